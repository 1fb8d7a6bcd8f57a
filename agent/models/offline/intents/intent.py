"""What an intent is: which questions it takes, and how it answers one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from agent.models.offline.anchors import told_window
from agent.models.offline.chart import Chart
from agent.models.offline.concepts import Concept, Kind, Lexicon
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, Wording


@dataclass(frozen=True)
class Asked:
    """A question that an intent has taken, and what it answers with."""

    reading: Reading
    chart: Chart
    wording: Wording
    lexicon: Lexicon
    now: date

    @property
    def window(self) -> dict[str, str]:
        """The window of time as tool arguments, with what events and last visits make of it.

        Raises StillWanted until these are found, CannotAnswer where the chart does not tell them.
        """
        return told_window(self).arguments

    @property
    def said_window(self) -> str:
        """The window of time as the end of a sentence."""
        said = told_window(self).said
        return f" {said}" if said else ""

    @property
    def window_to_now(self) -> dict[str, str]:
        """The window of time as tool arguments; all up to now where none was asked for."""
        return {"until": self.now.isoformat(), **self.window}

    @property
    def said_window_to_now(self) -> str:
        """That window as the end of a sentence."""
        return self.said_window or f" up to {self.now.isoformat()}"

    def named(self, kind: Kind) -> list[tuple[Concept, str]]:
        """What the question is about, each with the words used for it."""
        mentions = self.reading.mentions
        return [(mention.concepts[kind], mention.said) for mention in mentions if kind in mention.concepts]


def _always(_: Reading) -> bool:
    return True


@dataclass(frozen=True)
class Intent:
    """A kind of question. It takes a reading whose every part it accounts for, and no other.

    `needs`: of each set at least one cue must be there; `may`: cues that can be there besides. `about`: the
    kind (or one of several) that every mention must name, None for questions without mentions; `bare`: the
    mention is optional.
    `window`, `several`, `n`: whether a window of time, more than one mention, a number of results are taken;
    `limits`, `unit`, `nth`: whether those parts of a reading are; `anchored`: whether an event "at" which
    something was is (before and after one are windows); `topic`: only with one. `also` is a last condition.
    `answer` raises StillWanted until its calls are answered.
    """

    name: str
    answer: Callable[[Asked], Draft]
    may: frozenset[str] = frozenset()
    needs: tuple[frozenset[str], ...] = ()
    about: Kind | tuple[Kind, ...] | None = None
    bare: bool = False
    window: bool = False
    several: bool = False
    n: bool = False
    anchored: bool = False
    limits: bool = False
    unit: bool = False
    nth: bool = False
    topic: bool = False
    also: Callable[[Reading], bool] = field(default=_always)

    def takes(self, reading: Reading) -> bool:
        """Whether this is the kind of question that the reading is."""
        allowed = self.may.union(*self.needs)
        return (
            not reading.unread
            and reading.cues <= allowed
            and all(reading.cues & one for one in self.needs)
            and self._names(reading)
            and (self.window or reading.window is None)
            and (self.n or reading.n is None)
            and (self.anchored or reading.anchor is None or (self.window and reading.anchor.bounds))
            and (self.window or reading.visits is None)
            and (self.limits or reading.limits is None)
            and (self.unit or reading.unit is None)
            and (self.nth or reading.nth is None)
            and self.topic == (reading.topic is not None)
            and self.also(reading)
        )

    def _names(self, reading: Reading) -> bool:
        count = len(reading.mentions)
        if self.about is None:
            return count == 0
        if count == 0:
            return self.bare
        kinds = {self.about} if isinstance(self.about, str) else set(self.about)
        most = 4 if self.several else 1
        return count <= most and all(kinds & set(one.concepts) for one in reading.mentions)


def cues(words: str) -> frozenset[str]:
    """A set of cues, written as words."""
    return frozenset(words.split())


def spoken(phrases: str) -> tuple[str, ...]:
    """The phrases of a cue, written with commas between."""
    return tuple(phrase.strip() for phrase in phrases.split(","))


def looks_ahead(reading: Reading) -> bool:
    """ "When is her colonoscopy?" asks for one still to come."""
    return {"when", "is"} <= reading.cues and "latest" not in reading.cues
