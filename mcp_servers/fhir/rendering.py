"""A result as text for a language model: a header once, a row a line, notes after, within a token budget."""

from typing import Any, NamedTuple

from mcp_servers.fhir.envelope import ResultEnvelope

# About 2,000 tokens at four characters each.
BUDGET = 8000
_MAX_CELL = 1500


class Rendered(NamedTuple):
    """The text, and how many of the rows it shows."""

    text: str
    shown: int


def render(envelope: ResultEnvelope, budget: int = BUDGET) -> Rendered:
    """`envelope` as text, cut at a row's end.

    Rows with a `section` become a table each, and each table gets its share of the budget.
    """
    lines = [_headline(envelope)]
    sections: dict[str, list[dict[str, Any]]] = {}
    for row in envelope.rows:
        sections.setdefault(str(row.get("section", "")), []).append(row)
    left = budget - sum(len(note) + 3 for note in envelope.notes) - len(lines[0])
    shown = 0
    for number, (section, rows) in enumerate(sections.items()):
        table = _table(rows, max(left // (len(sections) - number), 0))
        shown += len(table) - 1
        if section:
            lines.append(f"## {section}")
        lines.extend(table)
        if section and len(table) - 1 < len(rows):
            lines.append(f"({len(rows) - len(table) + 1} more {section} rows: ask for them by themselves)")
        left -= sum(len(line) + 1 for line in table)
    lines.extend(f"- {_one_line(note)}" for note in envelope.notes)
    return Rendered("\n".join(lines), shown)


def _headline(envelope: ResultEnvelope) -> str:
    of = f" of {envelope.total}" if envelope.total is not None else ""
    return f"{envelope.finding.replace('_', ' ')}: {envelope.returned}{of} rows, as of {envelope.as_of}"


def _table(rows: list[dict[str, Any]], budget: int) -> list[str]:
    """A header line and as many rows as fit in `budget` characters, one at least."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "section"))
    lines = [" | ".join(columns)]
    left = budget - len(lines[0])
    limit = left if len(rows) == 1 else _MAX_CELL
    for row in rows:
        line = " | ".join(_cell(row.get(column), limit) for column in columns).rstrip(" |")
        left -= len(line) + 1
        if left < 0 and len(lines) > 1:
            break
        lines.append(line)
    return lines


def _cell(value: Any, limit: int) -> str:
    text = _text(value)
    return text if len(text) <= limit else f"{text[: max(limit, 0)]}… (cut)"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key}={_nested(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_nested(item) for item in value)
    return _one_line(str(value)).replace("|", "¦")


def _nested(value: Any) -> str:
    return f"({_text(value)})" if isinstance(value, dict) else _text(value)


def _one_line(text: str) -> str:
    """Chart text on one line, so that no record can pass for another row or note."""
    return " ".join(text.split())
