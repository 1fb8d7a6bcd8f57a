"""Questions about the course of a condition: since when, how long, ended when, by whom, how many times."""

from collections.abc import Callable

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.durations import lasted
from agent.models.offline.intents.having import no_problem, one_problem
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted, joined
from agent.models.offline.intents.problem_records import groups_of, item
from agent.models.offline.reading import Reading
from agent.models.offline.wording import CITED, Draft, cite, day, refs_of

_ENDED = (
    *(f"{how} {over}"
      for how in spoken("""fully, completely, totally, entirely, now, since, already, meanwhile, long since,
        by now, considered, declared, deemed, called, labelled, labeled, marked, marked as, recorded as,
        listed as, documented as, noted as, charted as, classed as, regarded as, registered as""")
      for over in spoken("""resolved, over, cured, healed, closed, inactive, gone, recovered, in remission,
          cleared""")
      if (how, over) not in (("now", "gone"), ("since", "recovered"))),
    *(f"{the}{over} {thing}{only}" for the in ("", "the ") for only in ("", " only")
      for over in ("resolved", "inactive", "closed", "old resolved")
      for thing in ("stuff", "thing", "one", "item", "entry", "bit", "part")),
    *(f"{over} {now}" for now in spoken("by now, meanwhile, already, in the meantime, since then")
      for over in spoken("resolved, over, cured, healed, closed, inactive, gone, cleared")),
)  # fmt: skip
CUES = {
    "onset": spoken("""first picked up, picked up first, set in, first set in, first flagged, first noticed,
        first documented, first came up, first showed up, first emerged, emerged, onset, onset of,
        date of onset, date of onset of, onset date, onset date of,
        date of diagnosis, date of diagnosis of, diagnosis date, diagnosis date of, diagnosed date,
        date diagnosed, year of diagnosis, year of diagnosis of, year diagnosed, develop, developed,
        from which date, from what date, as of which date,
        come down with, came down with, first appeared, first diagnosed, first diagnosed with,
        first diagnosis of, first had, appeared, onset year"""),
    "resolved": _ENDED
    + spoken("""resolved, resolve, resolution, over, resolution of, resolution date,
        resolution date of,
        date of resolution, date of resolution of, date resolved, gone away, went away, go away,
        cleared, cleared up, clear up, abated, abatement of, abatement date, in remission, remission,
        been and gone, dropped off the list, dropped off her active list, dropped off his active list,
        dropped off the active list, dropped off, thing of the past, a thing of the past,
        put behind her, put behind him, stop being active, stopped being active, ceased to be active,
        got over, get over, overcome, rid of, been rid of, get rid of, got rid of, shake off, shaken off,
        beaten, clear, come and gone, came and went, subsided, subside, settled, settle, disappear,
        disappeared, vanished, taken off the problem list,
        come off the problem list, came off the problem list, removed from the problem list, healed,
        no longer active, no longer has, no longer have, no longer current,
        no longer there, no longer present, no longer apply, no longer applies, no longer ongoing,
        no longer troubles, no longer trouble, no longer bothers, no longer bother, no longer suffers from,
        does she no longer have, does he no longer have, not active anymore, not there anymore,
        not current anymore, not active any longer, not active any more, behind her, behind him, inactive,
        since resolved, since been resolved, since gone, since cleared, since cleared up, done with,
        dealt with, done and dusted, over and done with, run its course, run their course,
        closed, closed out, gotten over, recovered, recovered from, recover from, fully recovered,
        recuperated from, cured, cured of, been cured of, marked as resolved, marked resolved,
        been marked as resolved, recorded as resolved, not an issue anymore, no longer an issue,
        not a problem anymore, no longer a problem, over now, leave out the active ones,
        leaving out the active ones, without the active ones, not the active ones,
        excluding the active ones, except the active ones, but not the active ones, not current ones,
        not the current ones, not active ones, not ongoing ones, no active ones, without the current ones,
        not the ongoing ones, not on the active list, off the active list, off the problem list,
        resolved only, inactive only, only resolved, only inactive, only the inactive ones,
        the resolved ones only, only the past ones, the past ones only, not active,
        only the ones have resolved, only the resolved ones, only the ones that resolved,
        that are now resolved, that are resolved now, that is now resolved, that have now resolved,
        which are now resolved, that are over now, which are over now, that are now over"""),
    "when": spoken("""what year, which year, in what year, in which year, what month, which month,
        in what month,
        if so when, and if so when, if so on what date, and if so on what date, if yes when,
        and if yes when, if it did when, if so since when, or when did it, by when, by what date,
        and since when"""),
    "episodes": spoken("""from onset on, from onset onward, from the onset on, from the start on, since onset,
        since the onset, since it was diagnosed, since it was first diagnosed, since it was found,
        since it started, since it began, since diagnosis, since the diagnosis, past course of, past course,
        episode, episode of, an episode of,
        bout, bout of, spell of, flare of, flare up of,
        occurrence of, recurrence of, timeline, timeline of, time line, time line of, chronology,
        chronology of, clinical course of, disease course of, history course, start to finish,
        from start to finish, beginning to end, episode start to finish,
        from beginning to end, from beginning to now, from the beginning to now, from start to now,
        from onset to now, onset to now, onset until now, onset to today, onset to resolution,
        onset through resolution, from onset to resolution, onset and resolution,
        from when it started to how it stands now, from when it started to now"""),
    "lasted_from": spoken("""from when until when,
        from when till when, from when to when, over what period,
        since when and until when, since when until when, during what period, over which period,
        during which period, for what period, in what period, in which period, between which dates,
        between what dates, over what time"""),
    "list": spoken("list every time, show every time, list each time, go through all"),
    "times_had": spoken("""how many time has she had, how many time has he had,
        how many time did she have, how many time did he have, how many episode of,
        number of episode of, how many episode, how many bout of, how many case of,
        number of time she had, number of time he had"""),
}


def _each(answer: Callable[[Asked, dict[str, list[Row]]], Draft | None]) -> Callable[[Asked], Draft]:
    """An answer for each condition named, from its records by how they stand; where it gives none, how the
    condition stands."""

    def answered(asked: Asked) -> Draft:
        found = asked.chart.fetch(records("problems"))
        return joined([_of(asked, one, told, found) for one, told in asked.named("problem")])

    def _of(asked: Asked, concept: Concept, told: str, found: Found) -> Draft:
        groups = groups_of(asked, concept, found.rows)
        if not found.complete:
            return no_problem(asked, concept, told, found)
        return answer(asked, groups) or one_problem(asked, concept, told, found)

    return answered


def _since(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """Onset of the record with the earliest; how long, where that was asked."""
    rows = groups.get("yes") or groups.get("unconfirmed") or groups.get("resolved")
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: (not str(row.get("date", "")), str(row.get("date", ""))))[:CITED]
    if "how_long" in asked.reading.cues:
        return _length(asked, rows)
    if len(rows) == 1:
        return Draft(asked.wording.say("problem", "since", items=item(rows[0])), refs_of(rows))
    items, refs = item(rows[0]), refs_of(rows)
    return Draft(asked.wording.say("problem", "earliest", items=items, n=len(refs), cite=cite(refs)), refs)


def _length(asked: Asked, rows: list[Row]) -> Draft:
    """From the onset up to now, or to the recorded end; without an onset, only since when it is recorded."""
    row, today = rows[0], asked.now.isoformat()
    others = f" It is the earliest of {len(rows)} records {cite(refs_of(rows))}." if len(rows) > 1 else ""
    start = row.get("onset") or row.get("recorded", "")
    word = "onset" if "onset" in row else "recording; the onset is not recorded"
    ended = row.get("status") in ("resolved", "inactive", "remission") or "abated" in row
    length = lasted(start, row.get("abated", today))
    if length is None or (ended and "abated" not in row):
        why = "when it ended is not recorded" if ended else "its onset is no date"
        return Draft(f"How long cannot be worked out, {why}: {item(row)}.{others}", refs_of(rows))
    until = day(row["abated"]) if "abated" in row else f"now, {today}"
    text = f"For {length}, from {day(start)} ({word}) up to {until}: {item(row)}.{others}"
    return Draft(text, refs_of(rows))


def _ended(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """When it ended; that it is recorded as active, or as over without a date."""
    active = [*groups.get("yes", []), *groups.get("unconfirmed", [])]
    over = groups.get("resolved", [])
    if not active and not over:
        return None
    said = []
    if active:
        said.append(f"Still recorded as active: {asked.wording.listed(active, item, each=True)}.")
    dated = [row for row in over if "abated" in row]
    open_ = [row for row in over if row not in dated]
    if dated:
        said.append(f"Ended: {asked.wording.listed(dated, item)}.")
    if open_:
        items = asked.wording.listed(open_, item, each=True)
        said.append(f"Not active; the date of the end is not recorded: {items}.")
    return Draft(" ".join(said), refs_of([*active[:7], *dated[:7], *open_[:6]]))


def _recorder(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    rows = [row for standing in ("yes", "unconfirmed", "resolved") for row in groups.get(standing, [])]
    named = [row for row in rows if "recorder" in row]
    if not rows:
        return None
    if not named:
        items = asked.wording.listed(rows[:3], item, each=True)
        return Draft(f"The record does not name who: {items}.", refs_of(rows[:3]))
    first = named[-1]
    return Draft(f"Recorded by {first['recorder']}: {item(first)}.", refs_of([first]))


def _times(asked: Asked) -> Draft:
    """How many records the chart has of it; a record need not be an episode, nor each have one."""
    found = asked.chart.fetch(records("problems"))
    concept, told = asked.named("problem")[0]
    groups = groups_of(asked, concept, found.rows)
    rows = [row for one in ("yes", "unconfirmed", "resolved") for row in groups.get(one, [])]
    if not rows:
        return one_problem(asked, concept, told, found)
    return counted(asked, found, rows, "problem record", item)


def _when(asked: Asked, groups: dict[str, list[Row]]) -> Draft | None:
    """When it was there: every record with its dates, or the newest."""
    rows = [row for one in ("yes", "unconfirmed", "resolved") for row in groups.get(one, [])]
    rows = sorted(rows, key=lambda row: str(row.get("date", "")), reverse=True)
    if not rows:
        return None
    rows = rows[:1] if "latest" in asked.reading.cues else rows
    items = asked.wording.listed(rows, item)
    return Draft(f"{items[:1].upper()}{items[1:]}.", refs_of(rows))


def _asks_since(reading: Reading) -> bool:
    if "episodes" in reading.cues or {"list", "when", "diagnosed"} <= reading.cues:
        return False
    if reading.cues & cues("onset since_when how_long"):
        return "latest" not in reading.cues or "how_long" in reading.cues
    return "when" in reading.cues and bool(reading.cues & cues("diagnosed started first problem taking"))


def _asks_dates(reading: Reading) -> bool:
    """All the dates of it; onset alone, and the end alone, are questions of their own."""
    if reading.cues & cues("onset started") and reading.cues & cues("resolved stopped"):
        return True
    if "lasted_from" in reading.cues:
        return True
    if "list" in reading.cues and reading.cues <= cues("list when history problem what is past whether"):
        return True  # "all entries of gout", "the dates of it"
    if "episodes" in reading.cues:
        if not reading.cues & cues("whether past"):  # these ask whether there ever was one
            return reading.cues == {"episodes"} or len(reading.cues) > 1
        return bool(reading.cues & cues("list when what how trend about onset"))
    if {"history", "what"} <= reading.cues or ("trend" in reading.cues and "how" not in reading.cues):
        return not reading.cues & cues("whether onset resolved")
    if reading.cues & cues("onset resolved stopped"):
        return False
    begun = reading.cues & cues("started diagnosed problem") and "list" not in reading.cues
    return "when" in reading.cues and bool(reading.cues & cues("past latest history trend")) and not begun


_ASIDE = cues("is whether past problem diagnosed active and what history")

INTENTS = (
    Intent(
        "problem_since",
        _each(_since),
        may=_ASIDE | cues("when onset since_when how_long started first taking latest list"),
        about="problem",
        several=True,
        also=_asks_since,
    ),
    Intent(
        "problem_ended",
        _each(_ended),
        may=_ASIDE | cues("when what since_when"),
        needs=(cues("resolved stopped"),),
        about="problem",
        several=True,
    ),
    Intent(
        "problem_dates",
        _each(_when),
        may=cues("past whether latest and list history resolved trend what is started stopped diagnosed")
        | cues("problem active how course about"),
        needs=(cues("when onset started history episodes trend list lasted_from"),),
        about="problem",
        several=True,
        also=_asks_dates,
    ),
    Intent(
        "problem_recorder",
        _each(_recorder),
        may=_ASIDE | cues("who onset"),
        needs=(cues("by_whom"),),
        about="problem",
    ),
    Intent(
        "problem_times",
        _times,
        may=cues("past whether diagnosed problem"),
        needs=(cues("times_had count often"),),
        about="problem",
    ),
)
