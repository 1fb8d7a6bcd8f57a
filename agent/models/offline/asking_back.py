"""Asking back: a name that fits several measurements of a chart, as a question that tells them apart."""

import re
from collections import Counter
from functools import cache

from agent.models.offline.concepts import within
from dictionary import entries

# As the chart tools word it (mcp_servers.fhir.charts.measurement_names.Ambiguous).
_SEVERAL = re.compile(
    r"(?:\[\w+\] )?`(.+)` fits several measurements of this chart; ask for one by code: (.+)"
)
# As they word it where values to compare are in several units (mcp_servers.fhir.charts.selection).
_UNITS = re.compile(r"(?:\[\w+\] )?The values are recorded in (.+): say with `unit` .+")
_CANDIDATE = re.compile(r"(.+?) \(code (\S+), (\d+) records?\)(?:; |$)")


def asked_back(error: str) -> str:
    """What a person is asked where a tool call failed because of such a name; the error as it is elsewhere.

    Measurements are called by their everyday name, which a question can use; those of one name are one.
    """
    if units := _UNITS.fullmatch(error):
        return f"The values are recorded in {units[1]}: say in the question which one the number is in."
    several = _SEVERAL.fullmatch(error)
    if several is None:
        return error
    name, listed = several.groups()
    each: Counter[str] = Counter()
    for display, code, n in _CANDIDATE.findall(listed):
        each[_everyday().get(code, f"{display} (code {code})")] += int(n)
    if len(each) < 2:
        return error
    said = [f"{one}, {n} record{'' if n == 1 else 's'}" for one, n in each.most_common()]
    rest = _CANDIDATE.sub("", listed)
    return f'Which "{name}" is meant? This chart has {"; ".join([*said, *([rest] if rest else [])])}.'


@cache
def _everyday() -> dict[str, str]:
    """The everyday name of each code that stands for one measurement alone."""
    names: dict[str, set[str]] = {}
    for one in entries("measurement"):
        for _, code in one.codes:
            names.setdefault(code, set()).add(within(one.name))
    return {code: name for code, (name, *others) in names.items() if not others}
