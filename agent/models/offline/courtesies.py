"""What is said before a question and asks nothing: "Good morning! Could you please tell me whether ..."."""

import re
from functools import cache

from agent.models.offline.concepts import read_table

_CONTRACTED = {"i'd": "i would", "i'm": "i am", "i've": "i have", "i'll": "i will", "let's": "lets"}
# After one of these, "if" means whether.
_KNOWING = re.compile(r"\b(?:check|tell me|tell us|see|find out|confirm|verify|know|wonder|wondering)$")
# Within a question "okay" asks for a judgement.
_SINGLE = r"(?:please|pls|hi|hello|hey|so|ok|okay|alright)\b(?!['-])\W*"


def without_courtesies(text: str) -> str:
    """The question alone; such words within it are left to its reading. Courtesies alone stay as they are."""
    plain = text.replace("’", "'")
    for short, full in _CONTRACTED.items():
        plain = re.sub(rf"\b{short}\b", full, plain, flags=re.IGNORECASE)
    found = _leading().match(plain)
    rest = plain[found.end() :] if found else ""
    return rest if rest.strip(" ?.!,") else text


@cache
def _leading() -> re.Pattern[str]:
    filler = read_table("phrases")["filler"]
    spoken = sorted({*filler["words"], *filler["spoken"]}, key=len, reverse=True)
    phrases = "|".join(
        re.escape(one) + (r"(?:\s+(?:if|whether)\b)?" if _KNOWING.search(one) else "")
        for one in spoken
        if " " in one
    )
    return re.compile(
        rf"\W*(?:{_SINGLE}|(?:{phrases})(?![\w'-])\W*)+"
        r"|\W*need\s+(?=(?:the|her|his|their)\b)",
        re.IGNORECASE,
    )
