"""What a question may hold beside its cues: names, limits, and events by which it tells a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from dateutil.relativedelta import relativedelta

from agent.models.offline.concepts import Concept, Kind

Side = Literal["at", "before", "after", "around", "during"]
Happening = Literal[
    "start", "stop", "diagnosis", "procedure", "admission", "discharge", "visit", "dose", "age", "day", "told"
]


@dataclass(frozen=True)
class Mention:
    """Words of the question that name something; what they name may depend on the kind that is asked for."""

    said: str
    concepts: dict[Kind, Concept]


@dataclass(frozen=True)
class Limits:
    """Strictly above or below a number ("over 7", "under 140 mmHg"), or both.

    "At least 7" is strictly above the next smaller float, which no recorded value lies between: `said` is how
    an answer tells it. `unit` is UCUM, None where none was named.
    """

    above: float | None = None
    below: float | None = None
    unit: str | None = None
    said: str = ""


@dataclass(frozen=True)
class Anchor:
    """An event of the chart by which a time is told: "when metformin was started", "before surgery".

    `event` is what happened to what the mention names; without a mention, any of that kind. `age` is in
    years ("at age 60"). `which`: the first such event, or the last where None says nothing else. `day` is the
    date (ISO, full or partial) of an event that is only a time: "6 months ago", "around March 2020".
    `inclusive`: the day itself belongs to what is after ("since"). `apart` is how long after it ("6 months
    after", negative before it) is meant, and `within` how far the window goes ("within 6 months after").
    `during` is from the event's first day to its last, `around` to both sides of it. `told` finds the event
    that an answer before told, of the Asked that is given.
    """

    side: Side
    event: Happening
    mention: Mention | None = None
    age: int | None = None
    which: Literal["first", "last"] | None = None
    day: str | None = None
    inclusive: bool = False
    apart: relativedelta | None = None
    within: relativedelta | None = None
    told: Callable[[Any], Any] | None = None

    @property
    def bounds(self) -> bool:
        """Whether it makes a window of time, which `at` an event is not; that of an age is a year."""
        return self.side != "at" or self.event == "age"
