"""Records that say the same again, as a problem noted at every visit: told once, how often and since when."""

from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Row, folded
from mcp_servers.fhir.charts.kinds import Kind

REPEATED: frozenset[Kind] = frozenset({"problems", "medications"})
_SAYING = ("status", "verification", "source", "intent", "dose", "do_not_perform", "uncertain")


class Distinct(NamedTuple):
    """The newest row of each saying, then their repeats; and the line that tells each saying.

    The lines stand for the first rows, in their order; one that stands for several has `times` and, where a
    repeat is dated, `first_date`.
    """

    rows: list[Row]
    lines: list[Row]


def distinct(rows: list[Row]) -> Distinct:
    """Rows, newest first, by what they say: name, standing and dose. Nameless rows repeat none."""
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
    if len(group) == 1:
        return group[0]
    dates = [row["date"] for row in group if "date" in row]
    return {**group[0], "times": len(group), **({"first_date": dates[-1]} if dates else {})}
