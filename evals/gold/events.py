"""Right answers about a measurement and an event of the chart: before it, on its day, after it, since."""

from datetime import date

from evals.gold import measurements
from evals.gold.expected import SHOWN, Expected, listed
from evals.gold.measurements import Result


def at(found: list[Result], day: date) -> Expected | None:
    """The value of the very day of the event."""
    return measurements.on(found, day)


def _apart(found: list[Result], day: date) -> bool:
    """Whether no result lies so near that before and after would be in doubt."""
    return all(abs((result.day - day).days) > 1 for result in found)


def before(found: list[Result], day: date, event: str) -> Expected | None:
    """The last value before the event, whose record may be cited too."""
    return _with(measurements.before(found, day), event) if _apart(found, day) else None


def after(found: list[Result], day: date, event: str) -> Expected | None:
    """The first value after the event."""
    return _with(measurements.after(found, day), event) if _apart(found, day) else None


def since(found: list[Result], day: date, event: str) -> Expected | None:
    """Each value since the event."""
    later = [result for result in found if result.day > day]
    if not _apart(found, day) or not 1 <= len(later) <= SHOWN:
        return None
    says = dict.fromkeys(result.said for result in later)
    return _with(listed((result.ref for result in later), *says), event)


def _with(answer: Expected | None, event: str) -> Expected | None:
    if answer is None:
        return None
    also = (answer.also or frozenset()) | {event}
    return Expected(answer.says, answer.refs, answer.status, answer.need, also, answer.groups, answer.only)
