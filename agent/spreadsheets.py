"""Rows for spreadsheets: CSV (RFC 4180) in which no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

# A spreadsheet runs what begins so (OWASP, "CSV Injection"); after an apostrophe it is text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A heading and a line for each row; what a row lacks is empty."""
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(columns)
    yield line.getvalue()
    for row in rows:
        line.seek(0)
        line.truncate()
        writer.writerow([cell(row.get(column)) for column in columns])
        yield line.getvalue()


def cell(value: object) -> str:
    """A value as a spreadsheet may have it."""
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
