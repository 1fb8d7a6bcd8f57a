"""Partial dates in search values, written out to the day: `ge2020` and `le2020-05` are read wrongly by HAPI.

By R4 ("Search", "date") `ge2020` takes in all of 2020. HAPI 8.8 leaves out what lies within 2020, and so does
`le2020`; whole days it reads rightly, as it does partial dates with any other prefix.
"""

import calendar
import re

_BOUND = re.compile(r"(?P<prefix>ge|le)(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2]))?")


def to_the_day(value: str) -> str:
    """`value` with its lower bounds at the first and its upper bounds at the last day that they take in."""
    return ",".join(_to_the_day(part) for part in value.split(","))


def _to_the_day(part: str) -> str:
    bound = _BOUND.fullmatch(part)
    if bound is None or int(bound["year"]) == 0:
        return part
    lower = bound["prefix"] == "ge"
    month = int(bound["month"] or (1 if lower else 12))
    day = 1 if lower else calendar.monthrange(int(bound["year"]), month)[1]
    return f"{bound['prefix']}{bound['year']}-{month:02}-{day:02}"
