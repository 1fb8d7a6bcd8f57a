"""What stands around a question and asks nothing: what the asker is at, what it is for, who wants to know."""

import re
from functools import cache

from agent.models.offline.concepts import any_of, listed
from agent.models.offline.courtesies import written_full

_ARTICLE = r"(?:(?:the|my|our|a|an|this|his|her|today's|tomorrow's) )?"
_ASKED = (
    r"(?:(?:at|in|on|by|from|since|under) (?:what|which|when|whom)"
    r"|i|we|she|he|they|the|his|her|their|what|what's|whats|when|which|how|who|who's|where|if|whether|any|a|an"
    r"|why|whose|whom|is|are|does|do|did|has"
    r"|every|all|this|there)\b"
)
_NOBODY = r"(?!(?:she|he|they|it|patient|pt|who|what|which|when|where|why|how|do|does|did|is|was|has|any)\b)"
_COMMA = r"\s*[,:;](?:\s*(?:and|so|but)\b)?"
# "Nurse here, ...", "I'm on rounds and need ..."
_HERE = rf"{_NOBODY}(?:[\w'-]+ ){{1,2}}(?:here|on the (?:phone|line))(?:\s*[,:;.]|\s+-)"
_AND_NEED = r"\s+and (?=(?:i |we )?(?:need|want|require|must)\b)"
# "For the DRG grouping I need ...", "As preparation, I must ..."
_I_NEED = r"\s*[,:]?\s+(?=(?:i|we) (?:need|must|require|want|have to|would like)\b)"
# "... or not?", "... or is it still active?": the other answer, which nobody asks for by itself.
_STANDS = (
    r"(?:still|now|already|been|active|over|gone|resolved|stopped|healed|past|done|going on|ongoing|steady)"
)
_OTHERWISE = rf",? or (?:not|(?:is|are|has|have|does|did|was) (?:it|she|he|they|that)(?: {_STANDS})+)"
# "... that I should know about"
_WORTH = (
    r",? (?:(?:that |which )?(?:i|we|you) (?:should|need to|ought to|must|have to)"
    r" (?:know|be aware|watch out|look out)|to (?:know|be aware|watch out)|worth knowing)(?: about| of| for)?"
)
_THANKS = r"(?:please|pls|thanks|thank you|ta|cheers)"
_REQUEST = (
    r",? (?:can|could) you (?:look|check|see)(?: it up)?|,? for me(?: please)?"
    r"|[.,] (?:please )?list (?:them|it)(?: please)?"
)


def without_asides(text: str) -> tuple[str, str]:
    """The question alone, and what was said beside it ("I'm on rounds, ...", "... or is it over?"), if any.

    That may name what the question then only points at: whoever leaves it out looks first.
    """
    plain = written_full(text)
    found = _leading().match(plain)
    question = plain[found.end() :] if found and re.search(r"\w", found.group()) else plain
    ends = _trailing().search(question)
    before = question[: ends.start()].split() if ends else []
    if len(before) > 1 and before[-1].lower() not in listed("asides", "governing"):
        question = " ".join(before)
    else:
        ends = None
    if question == plain or not question.strip(" ?.!,"):
        return text, ""
    return question, " ".join(one["clause"] or "" for one in (found, ends) if one)


def is_aside(text: str) -> bool:
    """Whether a sentence tells only what the asker is at ("I'm writing the letter.")."""
    return re.fullmatch(_clause(), written_full(text).rstrip(" .!") + ",", re.IGNORECASE) is not None


@cache
def _untelling() -> str:
    return rf"(?:(?:(?=first time\b)|(?!\b(?:{any_of('asides', 'telling')})\b))[^,:;?.\d])*"


def _some() -> str:
    return rf"(?:(?!(?:{any_of('asides', 'telling')})\b)[\w&'/-]+ ){{0,2}}?"


def _clause() -> str:
    doing = rf"(?:{any_of('asides', 'doing')})\b{_untelling()}(?:{_COMMA}|\s+-\s|{_AND_NEED})"
    return rf"(?:{doing}|(?:for|as|to)\b{_untelling()}?{_I_NEED}|{_HERE})"


def _purpose() -> str:
    lead = rf"(?:for|re|before|prior to|ahead of) {_ARTICLE}"
    return rf"{lead}{_some()}(?:{any_of('asides', 'purposes')})s?(?:{_COMMA}|(?=\s+{_ASKED}))"


def _wanting() -> str:
    wants = rf"(?:{any_of('asides', 'wanting')})(?:\s*:|\s+(?:if|whether)\b|(?=\s+{_ASKED}))"
    return rf"{_NOBODY}(?:[\w&'-]+ ){{1,7}}?{wants}"


@cache
def _leading() -> re.Pattern[str]:
    leading = rf"\W*(?P<clause>{_clause()}\W*)?(?:(?:{_purpose()}|{_wanting()})\W*)?"
    return re.compile(leading, re.IGNORECASE)


@cache
def _trailing() -> re.Pattern[str]:
    needed = r"(?:(?:i |we )?(?:need|want) (?:it|them|this|that) |needed |it is |just )?"
    purposes, wanting = any_of("asides", "purposes"), any_of("asides", "wanting")
    purpose = rf"(?:\s*[,-])?\s+{needed}(?:for|before|ahead of) {_ARTICLE}{_some()}(?:{purposes})s?"
    somebody = rf"\s*[,;-]\s*(?:the |our |his |her )?(?:\w+ ){{1,2}}?(?:{wanting})\b{_untelling()}"
    to_do = rf",? (?:in order |so as )?to (?:{any_of('asides', 'doing_so')})\b{_untelling()}"
    clauses = rf"(?P<clause>{_OTHERWISE}|{somebody}|{to_do})"
    return re.compile(rf"(?:{purpose}|{clauses}|{_WORTH}|{_REQUEST})(?:\W*\b{_THANKS})?\W*$", re.IGNORECASE)
