"""Questions about the results of a measurement: the latest, the one before, the nth, all, how many."""

from dataclasses import replace

from agent.errors import CannotAnswer
from agent.models.offline.chart import Found, Row
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.intent import Asked, spoken
from agent.models.offline.intents.measured import (
    MOST,
    amount,
    asks_whether_done,
    each,
    is_before,
    items,
    once,
    over_time,
    period,
    said_window,
)
from agent.models.offline.reading import Reading
from agent.models.offline.wording import REFERENCE, Draft, cite, day, flags, many, name, refs_of, when

# A count may rest on hundreds of records: its text cites these, its citations list more.
CITED_OF_A_COUNT = 2


def _result(asked: Asked, sentence: str, row: Row) -> str:
    parts = {"name": name(row), "value": amount(row), "when": when(row), "flags": flags(row)}
    return asked.wording.say("measurement", sentence, cite=cite(refs_of([row])), **parts)


def _latest(asked: Asked) -> Draft:
    def said(asked: Asked, _: Concept, found: Found) -> str:
        return " ".join(_result(asked, "latest", row) for row in once(found.rows))

    return each(asked, "latest", said)


def _series(asked: Asked) -> Draft:
    shown = min(asked.reading.n or MOST, MOST)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        limited = asked.reading.n is not None
        n = len(found.rows) if limited else found.total
        return asked.wording.say(
            "measurement",
            "series",
            n=f"{'newest ' if n < found.total else ''}{many(n, 'result')}",
            asked=concept.name,
            window=said_window(asked, found),
            items=items(found.rows, n),
        )

    return each(asked, "series", said, limit=shown)


def _previous(asked: Asked) -> Draft:
    """The result `back` places before the latest; results without a value or of another unit count too."""
    back = max(asked.reading.back, 1)

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        if len(found.rows) > back:
            return _result(asked, "previous", found.rows[back])
        last = found.rows[-1]
        return asked.wording.say(
            "measurement",
            "no_previous",
            asked=concept.name,
            window=period(asked).said,
            when=when(last),
            cite=cite(refs_of([last])),
        )

    draft = each(asked, "series", said, limit=back + 1)
    return replace(draft, citations=tuple(REFERENCE.findall(draft.text)))


def _nth(asked: Asked) -> Draft:
    """The nth result in time. Raises CannotAnswer where the first ones are not among those that one call
    brings."""
    nth = asked.reading.nth or 1

    def said(asked: Asked, concept: Concept, found: Found) -> str:
        if len(found.rows) < found.total:
            raise CannotAnswer(f"There are {found.total} {concept.name} results: too many to tell the nth.")
        if nth > found.total:
            n = many(found.total, "result")
            return f"There are only {n} of {concept.name}{period(asked).said}, the last{when(found.rows[0])}."
        row = found.rows[-nth]
        return f"Result {nth} of {found.total}: {_result(asked, 'item', row)}."

    draft = each(asked, "series", said, limit=MOST)
    return replace(draft, citations=tuple(REFERENCE.findall(draft.text)) or draft.citations)


def _count(asked: Asked) -> Draft:
    def said(asked: Asked, concept: Concept, found: Found) -> str:
        rows = [_counted(asked, row, said_window(asked, found)) for row in found.rows]
        if len(rows) > 1:
            n = sum(row["n"] for row in found.rows)
            window = said_window(asked, found)
            rows.insert(0, asked.wording.say("measurement", "in_all", n=n, asked=concept.name, window=window))
        return " ".join(rows)

    return each(asked, "count", said)


def _counted(asked: Asked, row: Row, window: str) -> str:
    """One code's results; of the records counted, the newest are cited in the text."""
    first, last = day(row.get("first_date", "?")), day(row.get("last_date", "?"))
    return asked.wording.say(
        "measurement",
        "count",
        n=many(row["n"], "result"),
        name=name(row),
        window=window,
        dates=asked.wording.phrase(
            "measurement", "on" if first == last else "between", first=first, last=last
        ),
        cite=cite(refs_of([row])[:CITED_OF_A_COUNT]),
    )


def _asks_for_many(reading: Reading) -> bool:
    """More than one result: a list, a number of them, or a window without "the latest"."""
    several = reading.cues & {"list", "recent", "history"} or reading.n is not None
    timed = reading.window is not None or reading.anchor is not None or reading.visits is not None
    return bool(several) or (timed and "latest" not in reading.cues and not is_before(reading))


CUES = {
    "done": spoken("measure, determined, assessed, checked for, sampled, monitored"),
    "when": spoken(
        "on which date it occurred, and on which date it occurred, on what date it occurred, and on what "
        "date it occurred, when it occurred, and when it occurred, date it occurred, date of occurrence, "
        "and when that was, and when it was, when it was, and the date of it, and its date, with date of "
        "it, on which day it occurred"
    ),
    "result": spoken(
        "values total, results total, readings total, measurements total, tests total, checks, checks "
        "done, checks taken, value total, result total, values in total, results in total, readings in "
        "total, determination, data point, datapoint, recordings, numbers we have"
    ),
    "count": spoken(
        "number of times, number of times that, how many times did, how many times has, # of, #, # "
        "times, how many separate, how many distinct, how many different, how many individual, head "
        "count of, what is the count of, how many occasions, on how many occasions, how many separate "
        "occasions, on how many separate occasions, tally up, tot up, total up, add up, in how many "
        "instances, how many instances of, how many instances, what is the number of"
    ),
    "list": spoken(
        "table of, tabulate, in a table, as a table, table, table form, log, log of, log for, run of, "
        "string of, series of, sequence of, back to back, one by one, one after another, "
        "chronologically, in chronological order, in date order, in order of date, by date, sorted by "
        "date, oldest to newest, newest to oldest, oldest first, newest first, rattle off, lay out, line "
        "up, laid out, set out, spell out, go through, run through, scroll through, serial, serially, "
        "breakdown of, readout of, flowsheet, flowsheet of, flow sheet"
    ),
}
INTENTS = (
    over_time(
        "latest_result",
        _latest,
        may="latest active when compare how",
        also=lambda reading: (
            not _asks_for_many(reading)
            and not reading.back
            and not is_before(reading)
            and ("compare" not in reading.cues or len(reading.mentions) > 1)
            and ("how" not in reading.cues or bool(reading.cues & {"latest", "active"}))
        ),
    ),
    over_time(
        "series",
        _series,
        may="list recent history latest when how",
        n=True,
        also=lambda reading: (
            _asks_for_many(reading)
            and ("how" not in reading.cues or reading.anchor is not None)
            and ("latest" not in reading.cues or bool(reading.n))
            and not asks_whether_done(reading)
        ),
    ),
    over_time(
        "previous_result",
        _previous,
        may="latest when that previous",
        several=False,
        also=lambda reading: "previous" in reading.cues or reading.back > 0,
    ),
    over_time(
        "nth_result", _nth, may="when", several=False, nth=True, also=lambda reading: bool(reading.nth)
    ),
    over_time("count_results", _count, "count often times_had", may="total"),
)
