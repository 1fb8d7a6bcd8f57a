"""A question told as what somebody wants: "what I need is her A1c", "it's the A1c that I'm after"."""

import re
from functools import cache

from agent.models.offline.courtesies import written_full

_NOBODY = (
    r"(?!(?:patient|pt|person|lady|man|woman|gentleman|child|baby|boy|girl|only|last|first|other|next)\b)"
)
# What the patient needs is none of the chart's.
_ASKER = (
    r"(?:(?:i|we|they|everyone|everybody|billing|pharmacy|surgery|reception|nursing|coding|triage|radiology"
    rf"|cardiology|insurance)|(?:the|my|our) {_NOBODY}[\w-]+(?: {_NOBODY}[\w-]+)?)"
)
_WANT = (
    r"(?:(?:really|just|still|actually|now|also|mainly) )?(?:(?:would (?:really )?)?(?:like|love)|wants?"
    r"|needs?|requires?|must|(?:have|has|am trying|are trying|is trying)(?= to)"
    r"|(?:am|are|is) (?:after|missing|waiting for|interested in|wondering(?: about)?|asking(?: about| for)?"
    r"|looking for|searching for|seeking|(?:unsure|not sure)(?: of| about)?)|asks?(?: for| about)?"
    r"|asked(?: for| about)?|(?:do|does|did|can|could)(?: not|not|n't) (?:see|know|find|have|understand)"
    r"|wonder(?:s|ed)?(?: about)?|lacks?)"
)
_TO = (
    r"(?: (?:to )?(?:know|see|find out|find|establish|check|confirm|verify|ask|determine|get|have|learn|hear"
    r"|fill in|look up|work out|figure out|understand|document|record|note|read)(?: about)?)?"
)
_FOR = r"(?: (?:for|before|in) (?:(?:the|my|our|a|an|this|his|her) )?[\w-]+(?: [\w-]+){0,3}?)?"
_THINGS = r"(?:(?:just )?(?:two|three|both|a couple of) (?:things|numbers|values|facts)\s*[:,-]?\s*)?"
# "What I want is to stop it", "what we need is a statin" are wishes.
_NO_WISH = (
    r"(?!(?:to|for|not|that|more|some|another)\b|(?:an?|new)\b(?! (?:\w+ )?(?:list|count|summary|overview"
    r"|run-?down|number|total|history|breakdown|timeline|look)\b))"
)


@cache
def _leads() -> re.Pattern[str]:
    return re.compile(
        rf"\W*what {_ASKER} {_WANT}{_TO}{_FOR},? (?:is|are|was)(?: to (?:know|see))?\b\s*[:,]?\s*"
        rf"{_THINGS}(?:(?:if|whether)\b\s*)?{_NO_WISH}(?=\w)",
        re.IGNORECASE,
    )


@cache
def _it_is() -> re.Pattern[str]:
    return re.compile(
        r"\W*(?:it is|it's|its|it was) (?P<asked>(?:the|her|his|their|all|every)\b.*?\w),? (?:that |which )?"
        rf"\s*{_ASKER} {_WANT}{_TO}(?P<of> the (?:dates?|dose|results?|value|name|reason) (?:of|for))?"
        r"[\s?.!,]*$",
        re.IGNORECASE,
    )


def without_cleft(text: str) -> str:
    """What is wanted alone; the text as it is where it is told otherwise."""
    plain = written_full(text)
    found = _it_is().match(plain)
    if found:
        return f"{(found['of'] or '').strip()} {found['asked']}".strip()
    found = _leads().match(plain)
    return plain[found.end() :] if found else text
