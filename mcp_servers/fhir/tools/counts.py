"""count_patients: how many patients meet criteria, without naming one."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_servers.fhir.charts import short_name
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.reading import cohorts
from mcp_servers.fhir.reading.thresholds import Threshold
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.session import Answer, ChartSession, Row, Text

_CODES = 6

Age = Annotated[int, Field(ge=0, le=150)]


async def count_patients(
    session: ChartSession,
    call: Call,
    *,
    condition: Text | None = None,
    medication: Annotated[Text | None, Field(description="A drug or a class")] = None,
    measurement: Annotated[Text | None, Field(description="With above or below")] = None,
    above: float | None = None,
    below: float | None = None,
    unit: Text | None = None,
    value: Literal["latest", "any"] = "latest",
    min_age: Age | None = None,
    max_age: Age | None = None,
    sex: Literal["female", "male", "other", "unknown"] | None = None,
) -> Answer:
    """Count the patients of this server who meet all criteria, by everyday name or code. Example: condition
    "type 2 diabetes", measurement "a1c", above 9."""
    if (measurement is None) != (above is None and below is None):
        raise InvalidRequest("A measurement needs `above` or `below`, and these need a measurement.")
    if measurement is None and (unit is not None or value != "latest"):
        raise InvalidRequest("`unit` and `value` need a measurement.")
    if above is not None and below is not None and above >= below:
        raise InvalidRequest("`above` is not less than `below`: no value lies between.")
    if min_age is not None and max_age is not None and min_age > max_age:
        raise InvalidRequest("`min_age` is above `max_age`: nobody is of such an age.")
    parts = [] if condition is None else [await cohorts.with_condition(session.client, condition, call)]
    if medication is not None:
        parts.append(await cohorts.on_medication(session.client, medication, call, session.now))
    if measurement is not None:
        threshold = Threshold(above, below, unit, value)
        parts.append(await cohorts.measured(session.client, measurement, threshold, call, now=session.now))
    if min_age is not None or max_age is not None:
        parts.append(await cohorts.aged(session.client, min_age, max_age, call, now=session.now))
    if sex is not None:
        parts.append(cohorts.of_sex(sex))
    counted = await cohorts.count(session.client, parts or [cohorts.everybody()], call)
    hidden = session.smallest_count > 1
    notes = [note for part in parts for note in [*part.notes, *([] if hidden else part.tallies)]]
    if condition is not None:
        notes.append("A condition counts whether it is current or resolved; a medication only while active.")
    if min_age is None and max_age is None:
        notes.append("Patients who have died are counted too.")
    if not counted.exact:
        notes.insert(0, "Not exact: these are the patients found; there may be more.")
    if hidden:
        notes.append(
            f"Counts from 1 to {session.smallest_count - 1} are not shown, nor what gives them away."
        )
    rows = _rows(counted, session.smallest_count)
    envelope = ResultEnvelope(
        finding="nothing_recorded" if rows[0]["patients"] == 0 and counted.exact else "recorded",
        rows=rows,
        total=len(rows),
        returned=len(rows),
        truncated=not counted.exact,
        notes=list(dict.fromkeys(notes)),
        as_of=session.now,
    )
    return Answer(envelope, (await session.render(envelope)).text, [])


def _rows(counted: cohorts.Counted, smallest: int) -> list[Row]:
    """A row for all criteria together, and one for each, with the codes that were counted."""
    together = counted.together
    singly = counted.each if len(counted.each) > 1 else []
    # Of a few patients, that some or that none meet the rest tells the same too much.
    few = any(_small(n, smallest) for _, n in singly)
    hidden = few or _small(together, smallest)
    shown: list[Row] = []
    for part, n in singly:
        # What a criterion has more than all together is a count too, of those who do not meet the others.
        apart = None if n is None or together is None else n - together
        hidden = hidden or _small(apart, smallest)
        shown.append({"name": part.said, "patients": _shown(n, smallest), "codes": _codes(part)})
    said = " and ".join(part.said for part, _ in counted.each)
    patients = _shown(together, smallest)
    if hidden and singly:
        patients = f"<{smallest}" if _small(together, smallest) and not few else "not shown"
    codes = [] if singly else _codes(counted.each[0][0])
    rows: list[Row] = [{"name": said, "patients": patients, "codes": codes}, *shown]
    return [{field: value for field, value in row.items() if value != []} for row in rows]


def _small(n: int | None, smallest: int) -> bool:
    return n is not None and 0 < n < smallest


def _shown(n: int | None, smallest: int) -> int | str:
    if n is None:
        return "not told by the server"
    return f"<{smallest}" if _small(n, smallest) else n


def _codes(part: cohorts.Part) -> list[str]:
    tokens = (token.rpartition("|") for token in part.codes[:_CODES])
    shown = [f"{short_name(system)}|{code}" if system else code for system, _, code in tokens]
    more = len(part.codes) - _CODES
    return [*shown, *([f"and {more} more"] if more > 0 else [])]
