"""Questions about results outside their range, of whatever was measured: "any abnormal labs in 2023?"."""

from agent.messages import Action
from agent.models.offline.chart import Row
from agent.models.offline.concepts import DATA
from agent.models.offline.intents.abnormal import Side, side_of
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.measured import ASIDE, LISTED, items, period
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, many, noted, refs_of

# HL7 v3 ObservationInterpretation: what lies under "abnormal", by the side.
_CODES = {
    "high": "'H','HH','HU','H>','HX','>'",
    "low": "'L','LL','LU','L<','LX','<'",
    "abnormal": "'A','AA','H','HH','HU','H>','HX','L','LL','LU','L<','LX','<','>'",
}
_OUTSIDE = {
    "high": "(value > range_high AND coalesce(comparator, '>') NOT LIKE '<%')",
    "low": "(value < range_low AND coalesce(comparator, '<') NOT LIKE '>%')",
}
_OUTSIDE["abnormal"] = f"({_OUTSIDE['high']} OR {_OUTSIDE['low']})"


def _answer(asked: Asked) -> Draft:
    """Every result outside its range, of whatever was measured, in one statement."""
    side = side_of(asked)
    found = asked.chart.fetch(Action(tool="query_chart", arguments={"sql": _statement(asked, side)}))
    what = f"{side} {'vital sign' if 'vitals' in asked.reading.cues else 'result'}"
    if not found.rows:
        time = period(asked).said or f" up to {asked.now}"
        text = (
            f"No {what} is recorded in this chart{time}: none is flagged so, and none with a reference range"
            " lies outside it."
        )
        return Draft(text + noted(found.notes), (), "not_in_chart")
    rows = [{key: value for key, value in row.items() if value is not None} for row in found.rows]
    rows = [_ranged(row) for row in rows]
    text = f"{many(found.total, what)}{period(asked).said}, {items(rows, found.total)}."
    return Draft(text + noted(found.notes), refs_of(rows[:LISTED]))


def _ranged(row: Row) -> Row:
    """A row as `observations` has it: one value, and the two ends of its range as one text."""
    if "value_text" in row:
        row.setdefault("value", row.pop("value_text"))
    low, high = row.pop("range_low", None), row.pop("range_high", None)
    ends = f"{low} - {high}" if None not in (low, high) else f">= {low}" if high is None else f"<= {high}"
    return row if low is None and high is None else {**row, "range": ends}


def _statement(asked: Asked, side: Side) -> str:
    """The statement of abnormal.sql. Its dates are those that the question was read to hold, ISO."""
    given = period(asked).arguments
    since, until = given.get("since"), given.get("until", asked.now.isoformat())
    bounds = [f"substr(date_text, 1, {len(until)}) <= '{until}'"]
    if since:
        bounds.append(f"substr(date_text, 1, {len(since)}) >= '{since}'")
    undated = "" if given else " OR date_text IS NULL"
    newest = "QUALIFY row_number() OVER (PARTITION BY code ORDER BY instant DESC) = 1"
    template = DATA.joinpath("abnormal.sql").read_text("utf-8").partition("WITH")
    return "WITH" + template[2].format(
        category="=" if "vitals" in asked.reading.cues else "<>",
        bounds=f"({' AND '.join(bounds)}{undated})",
        newest=newest if _now(asked.reading) else "",
        codes=_CODES[side],
        outside=_OUTSIDE[side],
    )


def _now(reading: Reading) -> bool:
    """Only the newest of each measurement ("current abnormal labs")."""
    return bool(reading.cues & {"latest", "active", "recent"})


INTENTS = (
    Intent(
        "abnormal_labs",
        _answer,
        may=ASIDE | cues("list recent history latest active when count and"),
        needs=(cues("abnormal high low"), cues("result labs vitals")),
        window=True,
        anchored=True,
    ),
)
