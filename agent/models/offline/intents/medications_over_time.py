"""Questions about the medications of a time: in force then, started or stopped in it, the last ones."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.drug_records import (
    GIVEN,
    NOUNS,
    both,
    drugs_in,
    item,
    of_drug,
    was_in_force,
)
from agent.models.offline.intents.in_force import all_then, is_timed
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import joined, told_time
from agent.models.offline.reading import Reading
from agent.models.offline.spans import first_day, last_day
from agent.models.offline.wording import Draft, day, many, noted, refs_of

_ENDED = ("stopped", "completed", "cancelled")
CUES = {
    "new_medication": (
        *(f"{new} {noun}" for new in spoken("""new, what new, which new, newly started,
            newly prescribed, recently started, added""") for noun in NOUNS),
        *(f"{noun} {new}" for noun in NOUNS for new in spoken("""were started, was started, were added,
            added, was added, started, begun, have been started, has been started, been started,
            were begun, was begun, were initiated, was initiated, initiated, newly started, were new,
            is new, are new, did she start, did he start, did they start, was she started on,
            was he started on, has she started, has he started""")),
    ),
    "medication_change": (
        *(f"{noun} change" for noun in NOUNS),
        *(f"{change} {to} {whose}{noun}" for change in spoken("change, changed, what changed")
          for to in ("to", "in", "with") for whose in ("", "her ", "his ", "the ", "their ")
          for noun in NOUNS),
        *(f"{noun} {changed}" for noun in NOUNS
          for changed in ("changed", "been changed", "were changed", "have changed", "list changed")),
    ),
    "stopped_medication": tuple(
        f"{noun} {over}" for noun in NOUNS for over in spoken("""were stopped, was stopped, stopped,
            discontinued, were discontinued, was discontinued, ended, been stopped, have been stopped,
            has been stopped, have been discontinued, did she stop, did he stop""")
    ),
}  # fmt: skip


def _then(asked: Asked) -> Draft:
    """What was in force at some time; of stopped records without an end nobody can tell."""
    return all_then(asked, "medications", was_in_force, item, noun="medication", what="medications in force")


def _started(asked: Asked) -> Draft:
    """Orders and statements of that time whose drug no earlier record names; the others are renewals."""
    every, _ = both(asked)
    named = asked.named("drug")
    rows = [row for row in (of_drug(named[0][0], every.rows) if named else every.rows) if was_in_force(row)]
    inside = [row for row in rows if _inside(asked, row)]
    before = {drugs_in(asked, row) for row in rows if _is_before(asked, row)}
    # Rows come newest first: of each drug the last one is its first record.
    first = {drugs_in(asked, row): row for row in inside if drugs_in(asked, row) not in before}
    new = [row for row in inside if any(row is one for one in first.values())]
    if not every.complete:
        text = asked.wording.say("list", "incomplete", asked="a start", n=len(every.rows))
        return Draft(text, (), "needs_review")
    again = " Other orders of these or earlier ones are left out." if len(inside) > len(new) else ""
    if not new:
        said, time = told_time(asked)
        text = f"First recorded{said or ' in that time'}: none; {many(every.total, 'record')} checked."
        return Draft(f"{text}{again}{time}", (), "not_in_chart")
    items = asked.wording.listed(new, item)
    return Draft(f"First recorded{asked.said_window}: {items}.{again}", refs_of(new))


def _stopped(asked: Asked) -> Draft:
    """What ended in that time by its recorded end; what is over without one may have ended then or not."""
    every, _ = both(asked)
    over = [
        row
        for row in every.rows
        if row.get("status") in _ENDED and row.get("source") not in GIVEN and not _starts_after(asked, row)
    ]
    dated = [row for row in over if "end" in row and _inside(asked, row, "end")]
    open_ = [row for row in over if "end" not in row]
    said = []
    if dated:
        said.append(f"Ended{asked.said_window}: {asked.wording.listed(dated, item, each=True)}.")
    if open_:
        items = asked.wording.listed(open_, item, each=True)
        said.append(f"Stopped, completed or cancelled, with no date of the end: {items}.")
    if not said:
        window, time = told_time(asked)
        text = f"Ended{window or ' in that time'}: none; {many(every.total, 'record')} checked.{time}"
        return Draft(text, (), "not_in_chart")
    return Draft(
        " ".join(said), refs_of(dated[:15] + open_[:5]), "answered" if every.complete else "needs_review"
    )


def _last(asked: Asked) -> Draft:
    """The last ones ordered or stated, whatever became of them; the first ones when those are asked for."""
    found = asked.chart.fetch(records("medications", **asked.window_to_now))
    rows = [row for row in found.rows if was_in_force(row) and "date" in row]
    first = "first" in asked.reading.cues
    if not found.complete and first:
        text = asked.wording.say("list", "incomplete", asked="a first one", n=len(found.rows))
        return Draft(text, (), "needs_review")
    if not rows:
        said, time = told_time(asked)
        text = f"Dated orders and statements{said}: none; {many(found.total, 'record')} checked.{time}"
        return Draft(text + noted(found.notes), (), "not_in_chart")
    rows = rows[::-1] if first else rows
    n = asked.reading.n or sum(row["date"][:10] == rows[0]["date"][:10] for row in rows)
    head = f"{'First' if first else 'Last'} recorded{asked.said_window}"
    items = asked.wording.listed(rows[:n], item)
    return Draft(f"{head}: {items}.", refs_of(rows[:n]))


def _inside(asked: Asked, row: Row, field: str = "date") -> bool:
    """Whether the date lies in the window; one that is coarser counts where part of it does."""
    written, window = day(row.get(field, "")), asked.window_to_now
    return (
        bool(written)
        and last_day(written) >= first_day(window.get("since", "0001"))
        and first_day(written) <= last_day(window["until"])
    )


def _is_before(asked: Asked, row: Row) -> bool:
    written, since = day(row.get("date", "")), asked.window.get("since")
    return bool(written and since) and last_day(written) < first_day(str(since))


def _starts_after(asked: Asked, row: Row) -> bool:
    written = day(row.get("date", ""))
    return bool(written) and first_day(written) > last_day(asked.window_to_now["until"])


def _of_a_time(reading: Reading) -> bool:
    """ "Medications in 2019", "what was she taking in 2019"; "since" with a start asks for new ones."""
    return is_timed(reading) and bool("medication" in reading.cues or {"what", "taking"} <= reading.cues)


_ASIDE = cues("what is whether list past active and")

INTENTS = (
    Intent(
        "medications_then",
        _then,
        may=_ASIDE | cues("medication taking dose taken"),
        window=True,
        anchored=True,
        also=_of_a_time,
    ),
    Intent(
        "started_medications",
        _started,
        may=_ASIDE | cues("medication drug started new prescribed"),
        needs=(cues("new_medication started new"),),
        about="drug",
        bare=True,
        window=True,
        also=lambda reading: (
            is_timed(reading)
            and bool(
                reading.cues & cues("new_medication medication drug prescribed started") or reading.mentions
            )
        ),
    ),
    Intent(
        "medication_changes",
        lambda asked: joined([_started(asked), _stopped(asked)]),
        may=_ASIDE,
        needs=(cues("medication_change"),),
        window=True,
        also=is_timed,
    ),
    Intent(
        "stopped_medications",
        _stopped,
        may=_ASIDE | cues("medication"),
        needs=(cues("stopped_medication stopped ended_medication"),),
        window=True,
        also=lambda reading: (
            is_timed(reading)
            and bool(reading.cues & cues("stopped_medication ended_medication medication what"))
        ),
    ),
    Intent(
        "last_medication",
        _last,
        may=_ASIDE | cues("when medication prescribed started new_medication"),
        needs=(cues("latest first"), cues("medication prescribed started new_medication")),
        window=True,
        n=True,
    ),
)
