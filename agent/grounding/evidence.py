"""The tool results as evidence: rows by their references, and how complete each result is."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from dateutil.relativedelta import relativedelta

from agent.grounding.rows import Row, Text, Texts, coded, scalars
from agent.grounding.vocabulary import GENERIC_STEMS, KIND_STEMS, types_called
from agent.grounding.written import Day, dates_in
from agent.messages import ToolResult

_LAST_MONTHS = re.compile(r"\b(?:last|past)\s+(?:(?P<n>\d{1,3})\s+)?(?P<unit>day|week|month|year)s?\b", re.I)
_SQL = re.compile(r"'[^']*'|(?<=\bfrom\s)\w+|(?<=\bjoin\s)\w+", re.IGNORECASE)


@dataclass(eq=False)
class Source:
    """One result that succeeded: what was asked for, its rows, and whether they are all there are.

    `total` is None where nobody knows it; `asked` are the words of the call's arguments.
    """

    tool: str
    arguments: dict[str, Any]
    rows: list[Row]
    complete: bool
    total: int | None
    notes: tuple[str, ...]
    asked: Text

    @cached_property
    def counts(self) -> set[int]:
        """How many records the result says there are, and how many it brought where these are all."""
        return {n for n in (self.total, len(self.rows) if self.complete else None) if n is not None}

    @cached_property
    def types(self) -> set[str]:
        """The resource types that it is about: of its rows, and those that its arguments name."""
        return {row.type for row in self.rows if row.type} | types_called(self.asked.words)


@dataclass
class Evidence:
    """What every call brought, what was asked for, and the day that it is."""

    sources: list[Source]
    failed: list[Text]
    question_text: str
    earlier: tuple[str, ...]
    texts: Texts
    now: tuple[Day, ...]
    today: str
    rows: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = [row for source in self.sources for row in source.rows]
        self._by_ref: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            for ref in row.refs:
                self._by_ref[ref].append(row)
        self._by_type: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            self._by_type[row.type].append(row)
        self._sources = {id(row): source for source in self.sources for row in source.rows}

    @cached_property
    def question(self) -> Text:
        """What was asked, earlier questions included."""
        return self.texts.read("\n".join([*self.earlier, self.question_text]))

    @property
    def known(self) -> Iterable[str]:
        """Every reference that a result brought."""
        return self._by_ref.keys()

    def of(self, refs: Iterable[str]) -> list[Row]:
        """The rows that came from any of these records."""
        found = {id(row): row for ref in refs for row in self._by_ref.get(ref, ())}
        return list(found.values())

    def records(self, refs: Iterable[str]) -> list[Row]:
        """One row, the fullest, of each of these records: an overview may have brought it a second time."""
        found = [
            max(rows, key=lambda row: len(row.record)) for ref in refs if (rows := self._by_ref.get(ref))
        ]
        return list({id(row): row for row in found}.values())

    def of_type(self, kind: str) -> list[Row]:
        """The rows of one resource type."""
        return self._by_type.get(kind, [])

    def sources_of(self, rows: Iterable[Row]) -> list[Source]:
        """The results that brought these rows."""
        found = {id(source): source for row in rows if (source := self._sources.get(id(row)))}
        return list(found.values())

    @cached_property
    def names(self) -> set[str]:
        """The telling words of all records' names."""
        return set().union(*(row.names for row in self.rows))

    @cached_property
    def coded(self) -> dict[str, set[str]]:
        """What the records hold in short fields, by field."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            for key, value in row.record.items():
                if value := coded(value):
                    found[key].add(value)
        return found

    @cached_property
    def sexes(self) -> set[str]:
        """What the records say of the patient's sex."""
        return {str(row.record[key]) for row in self.rows for key in ("sex", "gender") if row.record.get(key)}

    @cached_property
    def words(self) -> set[str]:
        """Every word that a result holds, and those of calls that brought rows."""
        asked = [source.asked.words for source in self.sources if source.rows]
        said = [self.texts.read(note).words for source in self.sources for note in source.notes]
        failed = [text.words for text in self.failed]
        return set().union(*(row.words for row in self.rows), *asked, *said, *failed)

    @cached_property
    def sought(self) -> set[str]:
        """The words of calls that brought no row, and of the question."""
        asked = [source.asked.words for source in self.sources if not source.rows]
        words = self.question.words.union(*asked, *(text.words for text in self.failed))
        return set(words - GENERIC_STEMS)

    @cached_property
    def asked_days(self) -> list[Day]:
        """The dates of the question and of the calls' arguments, and since when "the last 6 months" are."""
        asked = [day for source in self.sources for day in source.asked.days]
        for match in _LAST_MONTHS.finditer(self.question_text if self.today else ""):
            n, unit = int(match["n"] or 1), match["unit"].lower()
            days, months = {"day": (n, 0), "week": (7 * n, 0), "month": (0, n), "year": (0, 12 * n)}[unit]
            since = date.fromisoformat(self.today) - relativedelta(days=days, months=months)
            asked.append(Day(since.year, since.month, since.day))
        return [*self.question.days, *asked]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The notes of all results, word for word."""
        return tuple(dict.fromkeys(note for source in self.sources for note in source.notes))


class Readings:
    """Results of one conversation, each read once: every answer is held against all of them."""

    def __init__(self) -> None:
        self.texts = Texts()
        self._read: dict[int, tuple[ToolResult, Source | Text]] = {}

    def of(self, result: ToolResult) -> Source | Text:
        """The result as a source; of one that failed, the text of what was asked for and told."""
        known = self._read.get(id(result))
        if known is None or known[0] is not result:
            known = self._read[id(result)] = result, _read(result, self.texts)
        return known[1]


def gather(
    results: Sequence[ToolResult],
    question: str,
    now: str,
    earlier: Sequence[str] = (),
    readings: Readings | None = None,
) -> Evidence:
    """The evidence in these results; the question and the arguments of calls count only as what was asked.

    Words of a call's arguments that none of its rows carries name all of them (`observations(name="white
    count")` makes a row called "Leukocytes" the white count); with no rows they were sought and not found.
    """
    readings = readings or Readings()
    read = [readings.of(result) for result in results]
    sources = _joined([one for one in read if isinstance(one, Source)])
    failed = [one for one in read if isinstance(one, Text)]
    today = tuple(day for dated in dates_in(now) for day in dated.readings)
    return Evidence(sources, failed, question, tuple(earlier), readings.texts, today, now[:10])


def _joined(sources: list[Source]) -> list[Source]:
    """The sources, the pages of one call as one: together they may be all there is."""
    paged = {_call(one) for one in sources if "cursor" in one.arguments}
    joined: list[Source] = []
    pages: defaultdict[str, dict[str, Source]] = defaultdict(dict)
    for one in sources:
        if _call(one) in paged:
            pages[_call(one)][str(one.arguments.get("cursor"))] = one
        else:
            joined.append(one)
    for of_call in pages.values():
        first = next(iter(of_call.values()))
        rows = [row for one in of_call.values() for row in one.rows]
        notes = tuple(dict.fromkeys(note for one in of_call.values() for note in one.notes))
        joined.append(replace(first, rows=rows, complete=len(rows) == first.total, notes=notes))
    return joined


def _call(source: Source) -> str:
    """What a call asked for, whichever page of it."""
    asked = sorted(f"{name}: {value}" for name, value in source.arguments.items() if name != "cursor")
    return f"{source.tool} {asked}"


def _read(result: ToolResult, texts: Texts) -> Source | Text:
    told = " ; ".join(_asked(result))
    if result.data is None:
        return texts.read(f"{told} ; {result.text}")
    return _source(result, result.data, texts.read(told), texts)


def _source(result: ToolResult, data: dict[str, Any], asked: Text, texts: Texts) -> Source:
    found: list[dict[str, Any]] = data.get("rows") or []
    rows = [Row(row, texts, result.tool) for row in found]
    aliases = set(asked.words - GENERIC_STEMS - KIND_STEMS)
    if aliases and rows:
        aliases -= set().union(*(row.own_names for row in rows))
        for row in rows:
            row.aliases = aliases if "lacks" not in row.record else set()
    total = data.get("total")
    complete = not data.get("truncated") and (total is None or total == len(rows))
    return Source(result.tool, result.arguments, rows, complete, total, tuple(data.get("notes") or ()), asked)


def _asked(result: ToolResult) -> Iterator[str]:
    """What a call asked for, as text; of a SQL statement, its literals and the tables that it reads."""
    for scalar in scalars(result.arguments):
        if result.tool == "query_chart":
            yield from (match.group().strip("'%") for match in _SQL.finditer(str(scalar)))
        else:
            yield str(scalar)
