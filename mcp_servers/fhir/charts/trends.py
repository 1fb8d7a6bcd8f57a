"""Statistics of values of one code and unit: spread, change and slope, and the last abnormal one."""

import statistics
from collections.abc import Sequence
from datetime import UTC, timedelta

from mcp_servers.fhir.charts.dates import span
from mcp_servers.fhir.charts.elements import Row, row_of
from mcp_servers.fhir.charts.units import significant

_YEAR = timedelta(days=365.25)
_PLACES = 4


def summed_up(rows: Sequence[Row], abnormal: Sequence[Row]) -> Row:
    """Statistics of rows of one code and unit, newest first; `abnormal` are those of them that are so.

    `refs` are those of first, last, min, max, and last_abnormal where there is one. `slope` is that of the
    least-squares line through the dated values, a year being 365.25 days, with the number of values it rests
    on.
    """
    dated = [row for row in rows if span(row.get("date"))] or rows
    last, oldest = dated[0], dated[-1]
    least = min(rows, key=lambda row: float(row["value"]))
    most = max(rows, key=lambda row: float(row["value"]))
    values = [row["value"] for row in rows]
    return row_of(
        name=last.get("name"),
        code=last.get("code"),
        unit=last.get("unit"),
        n=len(rows),
        min=least["value"],
        max=most["value"],
        mean=round(statistics.fmean(values), _PLACES),
        median=round(statistics.median(values), _PLACES),
        first=oldest["value"],
        first_date=oldest.get("date"),
        last=last["value"],
        last_date=last.get("date"),
        min_date=least.get("date"),
        max_date=most.get("date"),
        change=round(last["value"] - oldest["value"], _PLACES) if len(dated) > 1 else None,
        slope=_slope(rows, str(last.get("unit", ""))),
        last_abnormal=_abnormal(abnormal),
        refs=[row["ref"] for row in (oldest, last, least, most, *abnormal[:1])],
    )


def _slope(rows: Sequence[Row], unit: str) -> Row | None:
    """`value, unit, n` of the change in a year; None where all stand at one moment."""
    points = [
        ((at.start - (at.offset or timedelta()) + (at.end - at.start) / 2).replace(tzinfo=UTC), row["value"])
        for row in rows
        if (at := span(row.get("date")))
    ]
    if len({moment for moment, _ in points}) < 2:
        return None
    origin = points[0][0]
    years = [(moment - origin) / _YEAR for moment, _ in points]
    line = statistics.linear_regression(years, [value for _, value in points])
    return {"value": significant(line.slope), "unit": f"{unit or '1'}/year", "n": len(points)}


def _abnormal(rows: Sequence[Row]) -> Row | None:
    if not rows:
        return None
    newest = rows[0]
    return row_of(
        value=newest["value"],
        date=newest.get("date"),
        interpretation=newest.get("interpretation"),
        ref=newest["ref"],
    )
