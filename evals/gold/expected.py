"""What a right answer holds: claims that it must make, words that it must not, records that it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Number:
    """A value, and its unit where it has one (any of `units`, in small letters).

    A `computed` one may be rounded, to within 2 %; one that was recorded is said as it was recorded.
    """

    value: float
    units: tuple[str, ...] = ()
    computed: bool = False


@dataclass(frozen=True)
class Day:
    """A FHIR date, told at least as exactly as it is given here."""

    text: str


@dataclass(frozen=True)
class Words:
    """One of these texts, in small letters."""

    any_of: tuple[str, ...]


@dataclass(frozen=True)
class Way:
    """A direction: `up`, `down` or `same`."""

    way: str


@dataclass(frozen=True)
class Verdict:
    """A yes or a no."""

    yes: bool


@dataclass(frozen=True)
class Interval:
    """How long it is from one day to another, in any unit of the calendar, cut or rounded."""

    since: date
    until: date


@dataclass(frozen=True)
class Overdue:
    """Whether something that is due at intervals is overdue."""

    yes: bool


Claim = Number | Day | Words | Way | Verdict | Interval | Overdue


@dataclass(frozen=True)
class Expected:
    """A right answer.

    `status`: the Answer's status, alternatives joined by `|`. `refs`: records that carry the answer, of which
    `need` must be cited (for a list all, or ten). `also`: records that may be cited besides; None where any
    may. `groups`: of each of these at least one must be cited. `only`: citing others than `refs` and `also`
    makes the answer wrong (a list that holds what does not belong), not just less precise.
    """

    says: tuple[Claim, ...] = ()
    refs: frozenset[str] = frozenset()
    status: str = "answered"
    need: int = 1
    also: frozenset[str] | None = frozenset()
    groups: tuple[frozenset[str], ...] = ()
    only: bool = False
    never: tuple[str, ...] = field(default=())


NOTHING = Expected(status="not_in_chart")
SHOWN = 10  # a list may show its first ten records and count the rest


def listed(refs: Iterable[str], *says: Claim, also: Iterable[str] = ()) -> Expected:
    """A list: all its records (ten where there are more), and nothing that does not belong."""
    held = frozenset(refs)
    if not held:
        return NOTHING
    return Expected(says, held, need=min(len(held), SHOWN), also=frozenset(also), only=True)


def both(first: Expected | None, second: Expected | None) -> Expected | None:
    """The answer to two questions in one sentence."""
    if first is None or second is None or "not_in_chart" in (first.status, second.status):
        return None
    return Expected(
        (*first.says, *second.says),
        first.refs | second.refs,
        also=None if first.also is None or second.also is None else first.also | second.also,
        groups=(*first.groups, *second.groups, *(one.refs for one in (first, second) if one.refs)),
        never=(*first.never, *second.never),
    )
