"""Records that say the same again, as a problem noted at every visit: told once, how often and since when."""

import re
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Row, folded
from mcp_servers.fhir.charts.kinds import Kind

REPEATED: frozenset[Kind] = frozenset({"problems", "medications"})
_SAYING = ("status", "verification", "source", "intent", "dose", "reason", "do_not_perform", "uncertain")
_DATES = ("date", "onset", "abated", "recorded", "first_date")
_DAY = len("2026-11-01")
# What SNOMED CT's full names end with: `Asthma (disorder)`.
_TAG = re.compile(r" \((?:disorder|finding|person|procedure|situation)\)$")


class Distinct(NamedTuple):
    """The newest row of each saying, then their repeats; and the line that tells each saying.

    The lines stand for the first rows, in their order, with dates to the day and names without SNOMED CT's
    tags; one that stands for several has `times` and, where a repeat is dated, `first_date`.
    """

    rows: list[Row]
    lines: list[Row]


def distinct(rows: list[Row]) -> Distinct:
    """Rows, newest first, by what they say: name, standing, dose and reason. Nameless rows repeat none."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        saying = (folded(row["name"]), *(str(row.get(field)) for field in _SAYING)) if "name" in row else None
        groups.setdefault(saying or (row["ref"],), []).append(row)
    newest = [group[0] for group in groups.values()]
    repeats = {id(row) for group in groups.values() for row in group[1:]}
    return Distinct(
        [*newest, *(row for row in rows if id(row) in repeats)], [_line(group) for group in groups.values()]
    )


def _line(group: list[Row]) -> Row:
    dates = [row["date"] for row in group if "date" in row]
    repeated = {"times": len(group), **({"first_date": dates[-1]} if dates else {})} if len(group) > 1 else {}
    line = {**group[0], **repeated}
    line |= {field: str(line[field])[:_DAY] for field in _DATES if field in line}
    return line | ({"name": _TAG.sub("", line["name"])} if "name" in line else {})
