"""The result envelope: what every chart tool returns."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Finding = Literal["recorded", "recorded_as_none", "nothing_recorded"]


class ResultEnvelope(BaseModel):
    """Rows from the chart, and how complete they are.

    Every row is a flat dict with `ref` (the `Type/id` it came from); a row that sums up several records
    (a count, statistics) carries `refs` instead. `finding` keeps "recorded as none" (a coded negation such
    as "no known allergies") apart from "nothing recorded" (no such record); failures and refusals are
    errors, or of some types beside others notes that name these. `total` counts the matching records, None
    when that cannot be told. `truncated` is true when records that match are not in `rows`, or may not be:
    `cursor` then fetches the next ones, and where there is none, a note says what was not read or how to ask
    for less. The text beside this may tell fewer rows, and says how it goes on. `notes` say what was left out
    and why, and what a name was resolved to. `as_of` is the chart's "now" (ISO 8601).
    """

    model_config = ConfigDict(extra="forbid")

    finding: Finding
    rows: list[dict[str, Any]]
    total: int | None
    returned: int
    truncated: bool
    cursor: str | None = None
    notes: list[str] = []
    as_of: str
