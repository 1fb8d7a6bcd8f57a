"""Questions about the course of one drug: since when, how long, stopped when, why, by whom, how often."""

from collections.abc import Callable

from agent.models.offline.chart import Row
from agent.models.offline.intents.drug_records import (
    GIVEN,
    UNREAD,
    Recorded,
    item,
    part_read,
    recorded,
    was_in_force,
)
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted, joined
from agent.models.offline.intents.taking import one_drug
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, reason, refs_of

_TIMES = cues("when since_when how_long")
# What only the oldest record tells.
_OF_ALL = cues("started first since_when how_long")
_WHOM = ("her", "him", "them", "the patient", "patient", "this patient", "pt")
CUES = {
    "why": spoken("""why, how come, for what reason, for which reason, what for, for what, for what purpose,
        on what grounds, indication, indication for, for what indication, for which indication,
        for what problem, for which problem, for what condition, for which condition, for what diagnosis,
        for which diagnosis, rationale for, for what dx, for which dx, because of what,
        because of which, because of which condition, because of what condition, because of which diagnosis,
        because of what diagnosis, justifies, justification for, treating here, being given for,
        meant to treat, supposed to treat, what it for, what are we treating with,
        what is being treated with, what we treating with, reason for giving, reason for taking, treating,
        goes with, go with, linked to, tied to, attached to, linked with, is it treating,
        prescribed for what, ordered for what,
        started for what, given for what, taken for what"""),
    "by_whom": (
        *spoken("""who, by whom, by who, who has, whom, prescriber, prescriber of, whoever, name of whoever,
            signed off on, who signed off on, who signed off, responsible for, who is responsible for,
            under whose name, prescribed by, ordered by, written by, whose order, who is behind,
            person who prescribed, person prescribing, doctor who prescribed, signed the order"""),
        *(f"{lead} {doctor}" for doctor in ("doctor", "doc", "provider", "physician", "clinician", "nurse")
          for lead in spoken("which, what, by which, by what, prescribing, ordering")),
    ),
    "how_long": (
        *spoken("how long, for how long, how long now, how long for, for how long now, duration of"),
        *(f"{lead} {unit}" for unit in ("year", "month", "week", "day")
          for lead in spoken("how many, for how many")),
    ),
    "since_when": spoken("""since when, from when, since what year, since which year, since what date,
        how far back, since how long"""),
    "started": (
        *spoken("""started, start, begin, began, begun, initiated, commenced, starting, start date,
            start date of, start date for, date started, started with, initiation of, put on, placed on"""),
        *(f"{verb} {on}" for verb in ("started", "start", "begin", "began", "begun")
          for on in ("on", "taking")),
        *(f"{verb} {whom} on" for verb in ("put", "started", "start", "placed") for whom in _WHOM),
        *(f"first {verb}" for verb in spoken("""started, start, put on, placed on, begin, began, prescribed,
            ordered, prescribe, order, receive, received, taking, take, took, given, on, go on, went on,
            get, started on, started taking""")),
    ),
    "stopped": (
        *spoken("""stopped, stop, discontinued, discontinue, dc, discontinuation of, ceased, quit, stop date,
            stop date of, stop date for, date stopped, stop taking, stopped taking, stop using, stopped using,
            off, no longer on, no longer taking, no longer take, not on anymore, end, ended, end date,
            end date of, finish, finished, withdrawn"""),
        *(f"{verb} off" for verb in ("come", "came", "taken", "took", "gone", "went", "go", "get", "take")),
        *(f"{who} {come} off" for who in ("she", "he", "they") for come in ("come", "came")),
        *(f"last {day} of" for day in ("day", "date")), *(f"last {day} on" for day in ("day", "date")),
        *(f"{verb} {whom} off" for verb in ("took", "take", "taken") for whom in _WHOM),
    ),
    "prescribed": spoken("""prescription of, rx for, renewed, reordered, script for, wrote, refilled,
        ordered for, prescribed for, script, prescription written, script written, did we write,
        medication written, that was prescribed, that were prescribed, prescription issued,
        prescription of"""),
}  # fmt: skip


def _each(answer: Callable[[Asked, list[Row], set[str]], Draft]) -> Callable[[Asked], Draft]:
    """An answer from the orders and statements of each drug named, newest first; how the drug stands where
    it has none that was ever in force."""

    def answered(asked: Asked) -> Draft:
        return joined([_of(asked, drug) for drug in recorded(asked)])

    def _of(asked: Asked, drug: Recorded) -> Draft:
        rows = drug.rows
        taken = [row for row in rows if was_in_force(row)] or [row for row in rows if _was_given(row)]
        if not taken:
            return one_drug(asked, drug)
        if drug.read.complete:
            return answer(asked, taken, drug.now_on)
        if asked.reading.cues & _OF_ALL:
            return part_read(drug)
        draft = answer(asked, taken, drug.now_on)
        return Draft(f"{draft.text} {UNREAD}", draft.citations, "needs_review")

    return answered


def _was_given(row: Row) -> bool:
    return row.get("source") in GIVEN and row.get("status") not in ("not-done", "declined", "cancelled")


def _started(asked: Asked, rows: list[Row], now_on: set[str]) -> Draft:
    """The first record: of when the drug was taken before it, or in between, no record tells."""
    dated = [row for row in rows if "date" in row]
    if not dated:
        items = asked.wording.listed(rows, item, each=True)
        return Draft(f"When it was started is not recorded: {items}.", refs_of(rows[:10]))
    first, newest = dated[-1], next((row for row in rows if row["ref"] in now_on), rows[0])
    said = [f"First recorded {_on(first)}: {item(first)}."]
    if "how_long" in asked.reading.cues:
        said = [_length(asked, first, newest, now_on)]
    elif newest is not first:
        said.append(f"{'Current' if newest['ref'] in now_on else 'The newest, not current'}: {item(newest)}.")
    elif newest["ref"] not in now_on:
        said.append("It is not current.")
    return Draft(" ".join(said), refs_of([first, newest]))


def _length(asked: Asked, first: Row, newest: Row, now_on: set[str]) -> str:
    """From the first record up to now, or to the end that is recorded."""
    others = "" if newest is first else f"; the newest: {item(newest)}"
    today = asked.now.isoformat()
    if newest["ref"] in now_on:
        length, until = lasted(first["date"], today), f"now, {today}"
    else:
        length, until = lasted(first["date"], newest.get("end", "")), day(newest.get("end", ""))
    if length:
        return f"For {length}, from {day(first['date'])} up to {until}: {item(first)}{others}."
    return (
        f"From {day(first['date'])}; not current, and when it ended is not recorded: {item(first)}{others}."
    )


def _stopped(asked: Asked, rows: list[Row], now_on: set[str]) -> Draft:
    """When and why it ended, so far as a record has its end; that it did not, where it is current."""
    current = [row for row in rows if row["ref"] in now_on]
    ended = [row for row in rows if row["ref"] not in now_on]
    said = [f"Still current: {asked.wording.listed(current, item, each=True)}."] if current else []
    held = [row for row in ended if row.get("status") == "on-hold"]
    if held:
        since = "; the date of the hold is not recorded" if asked.reading.cues & _TIMES else ""
        said.append(f"On hold{since}: {asked.wording.listed(held, item, each=True)}.")
    over = [row for row in ended if row not in held]
    if over:
        over = over[:3]
        dated = all("end" in row for row in over)
        unsaid = "" if dated else "; the date of its end is not recorded"
        head = "Ended earlier" if current else "Ended"
        said.append(f"{head}{unsaid}: {asked.wording.listed(over, item)}.")
        if "why" in asked.reading.cues and not any("status_reason" in row for row in over):
            said.append("No reason for the end is recorded.")
    return Draft(" ".join(said), refs_of([*current[:10], *held, *over]))


def _why(asked: Asked, rows: list[Row], now_on: set[str]) -> Draft:
    """The reason that the record itself gives, never what such a drug is for."""
    chosen = [row for row in rows if row["ref"] in now_on] or rows[:1]
    given = [row for row in chosen if "reason" in row]
    shown = (given or chosen)[:5]
    items = "; ".join(f"{reason(row)}: {item(row)}" for row in shown)
    return Draft(f"{items[:1].upper()}{items[1:]}.", refs_of(shown))


def _by_whom(asked: Asked, rows: list[Row], now_on: set[str]) -> Draft:
    """Who ordered, stated or gave it, as the newest record that names somebody says."""
    chosen = [row for row in rows if row["ref"] in now_on] or rows
    chosen = rows[-1:] if "started" in asked.reading.cues else chosen
    named = next((row for row in chosen if _who(row)), None)
    if named is None:
        items = asked.wording.listed(chosen[:3], item, each=True)
        return Draft(f"The record does not name who: {items}.", refs_of(chosen[:3]))
    return Draft(f"{_who(named)}: {item(named)}.", refs_of([named]))


def _who(row: Row) -> str:
    for field, said in (("requester", "Ordered by"), ("performer", "Given by"), ("informant", "Told by")):
        if field in row:
            return f"{said} {row[field]}"
    return ""


def _ordered(asked: Asked) -> Draft:
    """The last order (or first) of a drug, or how many there are."""
    drug = recorded(asked)[0]
    rows = [row for row in drug.rows if row.get("source") == "order" and was_in_force(row)]
    if not rows:
        return one_drug(asked, drug)
    if not drug.read.complete:
        return part_read(drug)
    if asked.reading.cues & cues("count often"):
        return counted(asked, drug.read, rows, "order", item)
    rest = f", the newest of {len(rows)} orders {cite(refs_of(rows))}" if 1 < len(rows) <= 20 else ""
    return Draft(f"Last ordered {_on(rows[0])}: {item(rows[0])}{rest}.", refs_of(rows))


def _on(row: Row) -> str:
    written = day(row["date"])
    return f"{'on' if len(written) == 10 else 'in'} {written}"


def _asks_start(reading: Reading) -> bool:
    """ "When was she put on ..."; whether she is on it and since when is asked so too."""
    if reading.cues & cues("on_hold stopped"):
        return False
    begun = reading.cues & cues("started since_when how_long first")
    if begun == {"first"} and any("measurement" in one.concepts for one in reading.mentions):
        begun = reading.cues & cues("taking prescribed medication")  # "the first potassium" is a result
    went_on = "when" in reading.cues and bool(reading.cues & cues("taking prescribed"))
    return (bool(begun) or went_on) and not (
        {"what", "started"} <= reading.cues and "when" not in reading.cues
    )


def _asks_orders(reading: Reading) -> bool:
    """ "The last antibiotic" is one ordered; "the last digoxin" may be a level."""
    only_drugs = all(set(one.concepts) == {"drug"} for one in reading.mentions)
    return bool(reading.cues & cues("prescribed medication")) or (only_drugs and "latest" in reading.cues)


_ASIDE = cues("is whether past active medication taking and")

INTENTS = (
    Intent(
        "drug_started",
        _each(_started),
        may=_ASIDE | cues("started since_when how_long first when prescribed what"),
        about="drug",
        several=True,
        also=_asks_start,
    ),
    Intent(
        "drug_stopped",
        _each(_stopped),
        may=_ASIDE | cues("when why what since_when how_long"),
        needs=(cues("stopped on_hold"),),
        about="drug",
        several=True,
        also=lambda reading: bool(reading.cues & (cues("stopped why") | _TIMES)),
    ),
    Intent(
        "drug_reason",
        _each(_why),
        may=_ASIDE | cues("prescribed started what problem given"),
        needs=(cues("why reason problem"),),
        about="drug",
        several=True,
        also=lambda reading: bool(reading.cues & cues("why reason")) or "what" in reading.cues,
    ),
    Intent(
        "drug_prescriber",
        _each(_by_whom),
        may=_ASIDE | cues("who prescribed started what name done written that order"),
        needs=(cues("by_whom"),),
        about="drug",
        several=True,
    ),
    Intent(
        "drug_ordered",
        _ordered,
        may=cues("when what whether past medication prescribed"),
        needs=(cues("latest count often"),),
        about="drug",
        also=_asks_orders,
    ),
)
