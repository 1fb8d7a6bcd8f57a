"""A result as text for a language model: a row a line, what rows share said once, within a token budget."""

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, NamedTuple

from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.unseen import without_unseen

Row = dict[str, Any]
Count = Callable[[str], int]

BUDGET = 1500
# What the caller may append: that the text is cut, and the cursor.
_RESERVED = 40
_MAX_CELL = 1500
_MAX_REFS = 4
_MAX_CODES = 4
CUT = "… (cut)"
# Columns that a single row shows without their name: what they are is plain behind a reference.
_PLAIN = frozenset({"name", "date", "value"})
# Other texts under `section`, such as a statement's column of that name, are no title.
_TITLE = re.compile(r"[a-z_]{1,30}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)")


class Rendered(NamedTuple):
    """The text, and how many of the rows it shows."""

    text: str
    shown: int


def by_bytes(text: str) -> int:
    """How many tokens a text is, taken as four bytes each."""
    return -(-len(text.encode(errors="replace")) // 4)


def render(envelope: ResultEnvelope, count: Count = by_bytes, start: int = 0) -> Rendered:
    """`envelope` as text of at most BUDGET tokens as `count` counts them, cut at a row's end.

    Columns that say the same in every row stand once before the rows, columns that repeat each other are one.
    Times are shown to the minute, and without their offset where all have that of `as_of`. Rows with a
    `section` become a table each, and each table gets its share of the budget. With `start`, a single row is
    told from there on, as `broken_off` gives it.
    """
    offset = _shared_offset(envelope)
    notes = _notes(envelope.notes, BUDGET // 3, count)
    sections = _sections(envelope.rows)
    left = BUDGET - _RESERVED - _size([_headline(envelope, len(envelope.rows)), *notes], count)
    body: list[str] = []
    shown = 0
    for number, (section, rows) in enumerate(sections.items()):
        title = [f"## {section}"] if section else []
        share = left // (len(sections) - number) - _size(title, count)
        table, held = _table(rows, share, offset, count, start)
        part = [*title, *table]
        if section and held < len(rows):
            part.append(f"({len(rows) - held} more {section} rows: ask for them by themselves)")
        body += part
        shown += held
        left -= _size(part, count)
    return Rendered("\n".join([_headline(envelope, shown), *body, *notes]), shown)


def broken_off(text: str) -> int | None:
    """How many characters of its row a rendered text of one row holds where it cuts it; None where not.

    Only at the row's end: chart text within it may look like a cut.
    """
    rows = (line.removeprefix("| ") for line in text.split("\n")[1:] if not line.startswith("- "))
    return next((len(row) - len(CUT) for row in rows if row.endswith(CUT)), None)


def _sections(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows under the titles that their `section` gives, where each has one; else all under none."""
    if not all(_TITLE.fullmatch(str(row.get("section", ""))) for row in rows):
        return {"": rows}
    sections: dict[str, list[Row]] = {}
    for row in rows:
        rest = {name: value for name, value in row.items() if name != "section"}
        sections.setdefault(str(row["section"]), []).append(rest)
    return sections


def _headline(envelope: ResultEnvelope, shown: int) -> str:
    of = f" of {envelope.total}" if envelope.total is not None else ""
    as_of = _text(envelope.as_of, None)
    if envelope.finding == "recorded" and envelope.total == 0:
        return f"recorded, but none such as asked for, as of {as_of}"
    return f"{envelope.finding.replace('_', ' ')}: {shown}{of}, as of {as_of}"


def _notes(notes: list[str], budget: int, count: Count) -> list[str]:
    lines: list[str] = []
    for number, note in enumerate(notes):
        line = _fitted(f"- {_one_line(note)}", budget, count)
        if lines and _size([*lines, line], count) > budget:
            return [*lines, f"- {len(notes) - number} more notes"]
        lines.append(line)
    return lines


def _table(
    rows: list[Row], budget: int, offset: str | None, count: Count, start: int
) -> tuple[list[str], int]:
    """What all rows share, a header, and as many rows as fit in `budget`, one at least; and how many do.

    A line that begins with chart text begins with a bar, so that it cannot pass for a note or a title.
    """
    cells = [_cells(row, offset) for row in rows]
    if not any(cells):
        return [], len(rows)
    if len(rows) == 1:
        row = _alone(cells[0])
        if start:
            row = f"| {row[start:]}" if start < len(row) else ""
        return ([_fitted(row, budget, count)], 1) if row else ([], 0)
    lines, cells = _by_code(cells)
    units, values = ({cell.get(name) for cell in cells} for name in ("unit", "value"))
    if len(units) > 1 or len(values) == 1:
        cells = [_with_unit(cell) for cell in cells]
    columns = _columns(cells)
    shared = [names for names in columns if len({cell.get(names[0]) for cell in cells}) == 1]
    varying = [names for names in columns if names not in shared]
    if shared and varying:
        said = (f"{_named(names)}: {cells[0][names[0]]}" for names in shared)
        lines.insert(0, f"each: {' | '.join(said)}")
    else:
        varying = columns
    lines = [_fitted(line, budget // 3, count) for line in lines]
    bar = "" if varying[0] == ["ref"] else "| "
    lines.append(bar + " | ".join(map(_named, varying)))
    left = budget - _size(lines, count)
    for held, cell in enumerate(cells):
        line = bar + " | ".join(cell.get(names[0], "") for names in varying).rstrip(" |")
        size = _size([line], count)
        if size > left and held:
            return lines, held
        lines.append(_fitted(line, left, count))
        left -= size
    return lines, len(rows)


def _by_code(cells: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    """Where the rows have few codes, a line a code of what its rows share; and the rows without that."""
    coded: dict[str | None, list[dict[str, str]]] = {}
    for cell in cells:
        coded.setdefault(cell.get("code"), []).append(cell)
    if None in coded or not 1 < len(coded) <= min(len(cells) // 3, _MAX_CODES):
        return [], cells
    names = dict.fromkeys(name for cell in cells for name in cell if name not in ("ref", "code"))
    shared = [
        name
        for name in names
        if len({cell.get(name) for cell in cells}) > 1
        and all(len({cell.get(name) for cell in group}) == 1 for group in coded.values())
    ]
    lines = [
        f"each with code {code}: "
        + " | ".join(f"{_named([name])}: {group[0][name]}" for name in shared if name in group[0])
        for code, group in coded.items()
    ]
    rest = [{name: text for name, text in cell.items() if name not in shared} for cell in cells]
    return (lines if shared else []), rest


def _columns(cells: list[dict[str, str]]) -> list[list[str]]:
    """The columns, those that say the same as each other in every row together; sparse ones last."""
    alike: dict[tuple[str | None, ...], list[str]] = {}
    for name in dict.fromkeys(name for cell in cells for name in cell):
        alike.setdefault(tuple(cell.get(name) for cell in cells), []).append(name)
    return [names for column, names in sorted(alike.items(), key=lambda item: None in item[0])]


def _alone(cell: dict[str, str]) -> str:
    """A single row: each text once, behind the names of the columns that say it, where they are needed."""
    alike: dict[str, list[str]] = {}
    for name, text in _with_unit(cell).items():
        alike.setdefault(text, []).append(name)
    parts: list[str] = []
    for text, names in alike.items():
        plain = names == ["ref"] or (parts and len(names) == 1 and names[0] in _PLAIN)
        parts.append(text if plain else f"{_named(names)}: {text}")
    return " | ".join(parts)


def _named(columns: list[str]) -> str:
    """Columns by their names, which a statement or a record may have taken from chart text."""
    return ", ".join(map(_plain, columns))


def _with_unit(cell: dict[str, str]) -> dict[str, str]:
    if "value" not in cell or "unit" not in cell:
        return cell
    joined = {**cell, "value": f"{cell['value']} {cell['unit']}"}
    del joined["unit"]
    return joined


def _cells(row: Row, offset: str | None) -> dict[str, str]:
    """The row's texts. A comparator stands before its value, and of many references a few are shown."""
    cells: dict[str, str] = {}
    for name, value in row.items():
        if name == "components" and isinstance(value, list):
            text = _components(value, str(row.get("value", "")), offset)
        elif name == "refs" and isinstance(value, list):
            text = _refs(list(dict.fromkeys(map(str, value))))
        else:
            text = _text(value, offset)
        # A row of a reference and a whole record may take all of the budget.
        if text:
            cells[name] = text if len(text) <= _MAX_CELL or len(row) <= 2 else text[:_MAX_CELL] + CUT
    if "value" in cells and "comparator" in cells:
        cells["value"] = cells.pop("comparator") + cells["value"]
    return cells


def _refs(refs: list[str]) -> str:
    more = f" and {len(refs) - _MAX_REFS} more" if len(refs) > _MAX_REFS else ""
    return _text(refs[:_MAX_REFS], None) + more


def _components(components: list[Any], value: str, offset: str | None) -> str:
    """`Systolic/Diastolic` where the row's value is `138/84`, else each component with its value and unit."""
    parts = [_cells(part, offset) for part in components if isinstance(part, dict)]
    if value.count("/") == len(parts) - 1 and all("value" in part for part in parts):
        return "/".join(part.get("name", "?") for part in parts)
    return ", ".join(
        " ".join(text for name, text in _with_unit(part).items() if name != "code") for part in parts
    )


def _text(value: Any, offset: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{_plain(str(key))}={_nested(item, offset)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_nested(item, offset) for item in value)
    text = _plain(str(value))
    moment = _MOMENT.fullmatch(text)
    return moment[1] + ("" if _offset(moment) == offset else moment[2]) if moment else text


def _nested(value: Any, offset: str | None) -> str:
    text = _text(value, offset)
    return f"({text})" if isinstance(value, dict) else text


def _shared_offset(envelope: ResultEnvelope) -> str | None:
    """The offset of `as_of`, where every time in the rows has it."""
    now = _MOMENT.fullmatch(envelope.as_of)
    times = (value for row in envelope.rows for value in row.values() if isinstance(value, str))
    found = {_offset(moment) for value in times if (moment := _MOMENT.fullmatch(value))}
    return _offset(now) if now and found <= {_offset(now)} else None


def _offset(moment: re.Match[str]) -> str:
    return moment[2].replace("Z", "+00:00")


def _plain(text: str) -> str:
    """Chart text within a row, so that none can pass for another cell."""
    return _one_line(text).replace("|", "¦")


def _one_line(text: str) -> str:
    """Chart text on one line, without what nobody sees: none can pass for another row or note."""
    return " ".join(without_unseen(text).split())


def _size(lines: list[str], count: Count) -> int:
    return sum(count(f"{line}\n") for line in lines)


def _fitted(line: str, budget: int, count: Count) -> str:
    """The line, or as much of its beginning as fits in `budget`."""
    if _size([line], count) <= budget:
        return line
    fits = bisect_left(range(1, len(line)), True, key=lambda end: _size([line[:end] + CUT], count) > budget)
    return line[:fits] + CUT
