"""What is said before a question and asks nothing: "Good morning! Could you please tell me whether ..."."""

import re
from functools import cache

from agent.models.offline.concepts import any_of, read_table

_CONTRACTED = {"i'd": "i would", "i'm": "i am", "i've": "i have", "i'll": "i will", "let's": "lets"}
_CONTRACTED |= {"we're": "we are", "we've": "we have", "we'd": "we would"}
# After one of these, "if" means whether.
_KNOWING = re.compile(r"\b(?:check|tell me|tell us|see|find out|confirm|verify|know|wonder|wondering)$")
# Within a question "okay" asks for a judgement.
_SINGLE = r"(?:please|pls|hi|hello|hey|so(?! far)|ok|okay|alright)\b(?!['-])\W*"
# What answers the answer before ("Great.", "Right, and ..."), with the mark that ends it.
_ACKNOWLEDGED = re.compile(
    r"\W*(?:(?:ok(?:ay)?|great|good|very good|right|perfect|thanks(?: a lot| so much)?|thank you|ta|cheers"
    r"|got it|gotcha|understood|noted|fine|cool|excellent|interesting|i see|makes sense|fair enough|sure|yes"
    r"|yep|yeah|wonderful|lovely|super|brilliant|awesome|nice|hm+|ah+|oh|alright|all right|that helps"
    r"|good to know|no worries|no problem|never ?mind|perfect thanks|great thanks|ok thanks)"
    r"\s*[,.!;:–—]+\s*)+(?=\w)",
    re.IGNORECASE,
)
# "Please give the last A1c": no drug is.
_GIVE = r"give\s+(?=the (?:last|latest|most recent|first|newest|earliest|highest|lowest)\b)"
# "I see metformin in the chart, since when?"
_SEEN = r"(?:i (?:can )?see|i (?:just )?(?:saw|noticed)|i notice)(?: that)?\b\W*"
# What a question begins with, after "I am trying to work out": a verb before anything else may be an order.
_ASKED = (
    r"(?:\s+(?:if|whether|that(?=\s+(?:she|he|they|the|there|her|his)\b))\b|(?=\s+(?:she|he|they|the|his|her|their|what|what's|whats|when|which|how|who|who's|where|any|a|an|every|all|this"
    r"|there)\b))"
)


def without_acknowledgement(text: str) -> str:
    """The text without the words before it that only answer the answer before."""
    return _ACKNOWLEDGED.sub("", text, count=1) if _ACKNOWLEDGED.match(text) else text


def without_courtesies(text: str) -> str:
    """The question alone; such words within it are left to its reading. Courtesies alone stay as they are."""
    plain = written_full(text)
    found = _leading().match(plain)
    rest = plain[found.end() :] if found else ""
    return rest if rest.strip(" ?.!,") else text


def written_full(text: str) -> str:
    """The text with straight apostrophes, and what the asker contracts written out ("I'm": "i am")."""
    plain = text.replace("’", "'")
    for short, full in _CONTRACTED.items():
        plain = re.sub(rf"\b{short}\b", full, plain, flags=re.IGNORECASE)
    return plain


@cache
def _leading() -> re.Pattern[str]:
    filler = read_table("phrases")["filler"]
    spoken = sorted({*filler["words"], *filler["spoken"]}, key=len, reverse=True)
    phrases = "|".join(
        re.escape(one) + (r"(?:\s+(?:if|whether)\b)?" if _KNOWING.search(one) else "")
        for one in spoken
        if " " in one
    )
    hoping, verbs = any_of("asides", "hoping"), any_of("asides", "verbs")
    asking = rf"(?:(?:{hoping}) )*(?:{verbs})(?: (?:me|us|out))*{_ASKED}\W*"
    return re.compile(
        rf"\W*(?:{_SINGLE}|{_SEEN}|{_GIVE}|{asking}|(?:{phrases})(?![\w'-])\W*)+"
        r"|\W*(?:pre|post|peri)-?op(?:erative)? (?:nurse |team |clinic |ward |unit )?here\s*[,:;.-]+\s*"
        r"|\W*(?:just |also |and |and also |still )?need\s+"
        r"(?=(?:the|her|his|their|all|every|everything|names|last|latest|most recent"
        r"|newest|current|first|earliest|highest|lowest|average|mean|median|both"
        r"|an? (?:mean|average|median|count|list|trend))\b)"
        r"|\W*(?:just |also |and |and also )?need to know\s+",
        re.IGNORECASE,
    )
