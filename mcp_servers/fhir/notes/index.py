"""The full-text index of one patient's notes: SQLite FTS5 in memory, a row a sentence, ranked by BM25."""

import re
import sqlite3
import weakref
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mcp_servers.fhir.notes.sentences import Sentence

MAX_HITS = 100
# A word that occurs nowhere is taken as the beginning of longer ones, if it has so many letters.
LONG_WORD = 5

_ASKED = re.compile(r'"([^"]+)"|(\S+)')
_WORD = re.compile(r"\w")
_FILLER = re.compile(
    r"an?|about|all|and|any|are|as|at|be|been|by|can|did|do|does|documented|ever|find|for|from|had|has|have|he"
    r"|her|his|how|in|is|it|me|mention|mentioned|mentions|no|not|of|on|or|patient|said|says?|she|show|tell|that"
    r"|the|their|there|they|this|to|was|were|what|when|where|which|who|why|with",
    re.IGNORECASE,
)
# Of these, what turns a question round or widens it.
_TURNING = frozenset({"no", "not", "ever"})
# Around a hit in FTS5's answer; cleaned texts hold neither.
_MARKS = ("\x02", "\x03")
_SCHEMA = """
CREATE TABLE sentence (
    id INTEGER PRIMARY KEY, note TEXT, number INTEGER, start INTEGER, stop INTEGER, heading TEXT
);
CREATE INDEX sentence_note ON sentence (note, number);
CREATE VIRTUAL TABLE words USING fts5(said, tokenize='porter unicode61 remove_diacritics 2');
"""
_FROM = "FROM words JOIN sentence ON id = words.rowid WHERE words MATCH ?"


class Hit(NamedTuple):
    """A sentence that answers a search: its words, and where in them the mentions stand (start, end).

    `also_in` are the other notes that say the very same under the same heading; `around` is the span of the
    note's text that surrounds it without holding another hit. `lacks` are the words asked for that it does
    not hold, where no note holds them all.
    """

    note: str
    sentence: Sentence
    words: str
    mentions: list[tuple[int, int]]
    also_in: list[str]
    around: tuple[int, int]
    lacks: list[str]


class Hits(NamedTuple):
    """The best hits, how many there are in all, and how the words asked for (`terms`) were taken."""

    terms: list[str]
    best: list[Hit]
    total: int
    notes: list[str]


@dataclass
class _Matches:
    """What each sentence (by its row) holds of the terms, and the FTS5 patterns that they were taken as."""

    terms: list[str]
    held: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    note_of: dict[int, str] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    partial: bool = False

    def lacking(self, row: int) -> list[str]:
        """The terms that a sentence does not hold, where no note holds them all."""
        return [term for term in self.terms if term not in self.held[row]] if self.partial else []


class Index:
    """The sentences of notes, by their words. Calls come one at a time, from any thread."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.executescript(_SCHEMA)

    def put(self, note: str, text: str, sentences: Iterable[Sentence]) -> None:
        """Hold these sentences of a note's text, instead of those held before."""
        self.remove(note)
        add = "INSERT INTO sentence (note, number, start, stop, heading) VALUES (?, ?, ?, ?, ?)"
        with self._database:
            for number, (start, end, heading) in enumerate(sentences):
                row = self._database.execute(add, (note, number, start, end, heading)).lastrowid
                self._database.execute(
                    "INSERT INTO words (rowid, said) VALUES (?, ?)", (row, text[start:end])
                )

    def remove(self, note: str) -> None:
        """Forget a note."""
        with self._database:
            self._database.execute(
                "DELETE FROM words WHERE rowid IN (SELECT id FROM sentence WHERE note = ?)", (note,)
            )
            self._database.execute("DELETE FROM sentence WHERE note = ?", (note,))

    def sentences(self, note: str) -> list[Sentence]:
        """All sentences of a note, in their order."""
        found = self._database.execute(
            "SELECT start, stop, heading FROM sentence WHERE note = ? ORDER BY number", (note,)
        )
        return [Sentence(*row) for row in found]

    def search(self, text: str, within: list[str], widest: int) -> Hits:
        """The sentences of the notes `within` (the newest first) that hold every word of `text`.

        Where none does: those of the notes that hold every word somewhere, else those with the most words.
        Words match by their stem; words in double quotes match as a phrase. `around` of a hit is at most
        `widest` characters, if the sentence itself is not longer.
        """
        order = {note: number for number, note in enumerate(within)}
        matches = self._matches(_terms(text), order)
        kept = _best_rows(matches)
        if not kept:
            return Hits(matches.terms, [], 0, matches.notes)
        if dropped := [
            word for word in _words(text) if word.casefold() in _TURNING and word not in matches.terms
        ]:
            named = ", ".join(f"`{word}`" for word in dropped)
            matches.notes.append(
                f"{named} not searched for: `negated` and `historical` tell how a passage means it."
            )
        # The words side by side, as they were asked for, count once more, and are one mention.
        pattern = " OR ".join([_quoted(" ".join(matches.terms)), *matches.patterns])
        groups = self._ranked(pattern, kept, matches, order)
        best = [self._hit(same, pattern, kept, matches, widest) for same in groups[:MAX_HITS]]
        return Hits(matches.terms, best, len(groups), matches.notes)

    def _matches(self, terms: list[str], order: dict[str, int]) -> _Matches:
        matches = _Matches(terms)
        for term in terms:
            exact = _quoted(term)
            rows = self._rows(exact, order)
            taken = exact
            if not rows and len(term) >= LONG_WORD and (rows := self._rows(f"{exact}*", order)):
                taken = f"{exact}*"
                matches.notes.append(f"`{term}` is taken as the beginning of longer words.")
            matches.patterns.append(taken)
            matches.note_of.update(rows)
            for row in rows:
                matches.held[row].add(term)
        return matches

    def _rows(self, pattern: str, order: dict[str, int]) -> dict[int, str]:
        found = self._database.execute(f"SELECT id, note {_FROM}", (pattern,))
        return {row: note for row, note in found if note in order}

    def _ranked(
        self, pattern: str, kept: set[int], matches: _Matches, order: dict[str, int]
    ) -> list[list[int]]:
        """The rows to show, the best first; those that say the same together, the newest of them first."""
        groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        rank: dict[int, float] = {}
        found = self._database.execute(f"SELECT id, said, heading, rank {_FROM}", (pattern,))
        for row, words, heading, score in found:
            if row in kept:
                groups[" ".join(words.split()), heading].append(row)
                rank[row] = round(score, 6)

        def age(row: int) -> tuple[int, int]:
            return order[matches.note_of[row]], row

        for rows in groups.values():
            rows.sort(key=age)
        return sorted(
            groups.values(),
            key=lambda rows: (-len(matches.held[rows[0]]), rank[rows[0]], age(rows[0])),
        )

    def _hit(self, same: list[int], pattern: str, kept: set[int], matches: _Matches, widest: int) -> Hit:
        columns = "note, number, highlight(words, 0, ?, ?), start, stop, heading"
        note, number, marked, *place = self._database.execute(
            f"SELECT {columns} {_FROM} AND words.rowid = ?", (*_MARKS, pattern, same[0])
        ).fetchone()
        sentence = Sentence(*place)
        words, mentions = _unmarked(marked)
        around = self._around(note, number, sentence, kept, widest)
        others = sorted({matches.note_of[row] for row in same} - {note})
        return Hit(note, sentence, words, mentions, others, around, matches.lacking(same[0]))

    def _around(
        self, note: str, number: int, sentence: Sentence, kept: set[int], widest: int
    ) -> tuple[int, int]:
        """The span of a sentence and as many of its neighbours under the same heading as fit."""
        found = self._database.execute(
            "SELECT number, id, start, stop, heading FROM sentence WHERE note = ? AND number BETWEEN ? AND ?",
            (note, number - 3, number + 3),
        )
        near = {other: rest for other, *rest in found}
        begin, end = sentence.start, sentence.end
        for step in (1, -1):
            other = number + step
            while other in near:
                row, start, stop, heading = near[other]
                wider = min(begin, start), max(end, stop)
                if row in kept or heading != sentence.heading or wider[1] - wider[0] > widest:
                    break
                begin, end = wider
                other += step
        return begin, end


def _terms(text: str) -> list[str]:
    """The words and phrases to search for, once each; filler words only where there are no others."""
    words = _words(text)
    return [word for word in words if not _FILLER.fullmatch(word)] or words


def _words(text: str) -> list[str]:
    """The words and phrases asked for, once each."""
    text = text.encode(errors="replace").decode().replace("\0", " ")
    asked = [phrase or word.strip("\"'.,;:?!()") for phrase, word in _ASKED.findall(text)]
    return list(dict.fromkeys(word.strip() for word in asked if _WORD.search(word)))


def _quoted(term: str) -> str:
    """A term as an FTS5 string: whatever stands in it, it is no query syntax."""
    return '"' + term.replace('"', '""') + '"'


def _best_rows(matches: _Matches) -> set[int]:
    """The rows with every term, else those of the notes with every term, else those with the most terms."""
    held, wanted = matches.held, len(matches.terms)
    whole = {row for row, found in held.items() if len(found) == wanted}
    if whole or not held:
        return whole
    by_note: dict[str, set[str]] = defaultdict(set)
    for row, found in held.items():
        by_note[matches.note_of[row]] |= found
    complete = {note for note, found in by_note.items() if len(found) == wanted}
    if complete:
        matches.notes.append("No sentence holds every word; these are of notes that hold all of them.")
        return {row for row in held if matches.note_of[row] in complete}
    most = max(len(found) for found in held.values())
    anywhere = set().union(*held.values())
    matches.partial = True
    absent = ", ".join(f"`{term}`" for term in matches.terms if term not in anywhere)
    matches.notes.append(
        f"No note holds every word; these sentences hold {most} of {wanted}."
        + (f" No note holds {absent}." if absent else "")
    )
    return {row for row, found in held.items() if len(found) == most}


def _unmarked(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """A highlighted text without its marks, and the spans of the mentions: of phrases, where one is whole."""
    words = ""
    spans: list[tuple[int, int]] = []
    for part in marked.split(_MARKS[0]):
        hit, mark, rest = part.partition(_MARKS[1])
        if mark:
            spans.append((len(words), len(words) + len(hit)))
        words += hit + rest
    longest = max(len(words[start:end].split()) for start, end in spans)
    return words, [span for span in spans if len(words[slice(*span)].split()) == longest]
