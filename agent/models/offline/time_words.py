"""The words of times and numbers: those that a misspelt word may mean, and all that are never corrected."""

from collections import defaultdict
from functools import cache

from agent.models.offline.concepts import read_table
from agent.models.offline.dates import MONTHS, NUMBERS, ORDINALS, UNITS
from agent.models.offline.spans import HOLIDAYS, SEASONS, WEEKDAYS
from agent.models.offline.windows import CLOSELY
from agent.models.offline.words import words

_SPELLED = (
    *MONTHS,
    *WEEKDAYS,
    "month",
    "months",
    "yesterday",
    "today",
    "since",
    "before",
    "after",
    "between",
    "following",
    "preceding",
    "around",
    "closest",
    "nearest",
    "exceeded",
    "convert",
    "converted",
    "pounds",
)
# By length, as the lexicon has its own.
SPELLED: dict[int, list[str]] = defaultdict(list)
for _word in _SPELLED:
    if len(_word) > 4:
        SPELLED[len(_word)].append(_word)


@cache
def known_words() -> frozenset[str]:
    """Every word that the readers of times, events, limits and units know."""
    tables = [
        *read_table("occasions").values(),
        *read_table("limits").values(),
        *read_table("units").values(),
    ]
    phrases = [phrase for table in tables for spoken in table.values() for phrase in spoken]
    named = {
        *MONTHS,
        *NUMBERS,
        *ORDINALS,
        *UNITS,
        *SEASONS,
        *WEEKDAYS,
        *(one for key in HOLIDAYS for one in key),
    }
    aside = words(
        "early late mid half beginning end today yesterday converted convert expressed birthday turned"
    )
    return frozenset(named.union(aside, _SPELLED, CLOSELY, *map(words, phrases)))
