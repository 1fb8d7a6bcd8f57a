"""Right answers about problems: which are active, since when, whether ever, how one went."""

from collections.abc import Iterable
from dataclasses import dataclass

from evals.gold.chart import Chart, names_of
from evals.gold.expected import NOTHING, SHOWN, Day, Expected, Verdict
from evals.gold.records import Resource, codes, ref

ACTIVE = {"active", "recurrence", "relapse"}


@dataclass(frozen=True)
class Problem:
    """The records of one code, by their common name."""

    name: str
    records: tuple[Resource, ...]

    @property
    def refs(self) -> frozenset[str]:
        """Every record of it."""
        return frozenset(map(ref, self.records))

    @property
    def active(self) -> list[Resource]:
        """Its records that are active."""
        return [item for item in self.records if _status(item) & ACTIVE]


def _status(item: Resource) -> set[str]:
    return codes(item.get("clinicalStatus"))


def conditions(chart: Chart) -> list[Resource] | None:
    """The conditions that are not refuted or in error; None where one is unsure or has no status."""
    found = []
    for item in chart.of("Condition"):
        sure = codes(item.get("verificationStatus"))
        if sure & {"entered-in-error", "refuted"}:
            continue
        if "clinicalStatus" not in item or not sure & {"confirmed"}:
            return None
        found.append(item)
    return found


def active(chart: Chart) -> Expected | None:
    """The problem list: of each name one record at least."""
    found = conditions(chart)
    if found is None:
        return None
    current = [item for item in found if _status(item) & ACTIVE]
    return grouped(current, "code")


def past(chart: Chart) -> Expected | None:
    """The problems that are over."""
    found = conditions(chart)
    if found is None:
        return None
    over = [item for item in found if not _status(item) & ACTIVE]
    return grouped(over, "code") if 0 < len(over) <= SHOWN else None


def grouped(records: Iterable[Resource], field: str) -> Expected:
    """A list in which records of one name may stand for each other."""
    found = list(records)
    if not found:
        return NOTHING
    names = {tuple(names_of(item.get(field))) for item in found}
    refs = frozenset(map(ref, found))
    return Expected(refs=refs, need=min(len(names), SHOWN), only=True)


def problem(chart: Chart, concept: set[str], like: str) -> Problem | None:
    """The records of a concept; None where the chart has another problem that goes by the same word."""
    found = conditions(chart)
    if found is None:
        return None
    meant = [item for item in found if codes(item["code"]) & concept]
    others = [item for item in chart.of("Condition") if not codes(item["code"]) & concept]
    if any(like in name.lower() for item in others for name in names_of(item["code"])):
        return None
    return Problem(names_of(meant[0]["code"])[0] if meant else "", tuple(meant))


def has_now(found: Problem) -> Expected:
    """Whether it is active."""
    if found.active:
        return Expected((Verdict(yes=True),), frozenset(map(ref, found.active)), also=found.refs)
    return Expected((Verdict(yes=False),), found.refs, "answered|not_in_chart", need=0)


def ever(found: Problem) -> Expected:
    """Whether it was ever recorded."""
    if found.records:
        return Expected((Verdict(yes=True),), found.refs)
    return Expected((Verdict(yes=False),), status="answered|not_in_chart", need=0)


def _dates(records: Iterable[Resource], field: str) -> list[str] | None:
    found = [item.get(field) for item in records]
    return None if any(date is None for date in found) else sorted(str(date)[:10] for date in found)


def since(found: Problem) -> Expected | None:
    """The onset of what is active: the first, where it was recorded anew."""
    begun = _dates(found.active, "onsetDateTime")
    if not begun or len(found.active) < len(found.records) or any(len(day) < len(begun[0]) for day in begun):
        return None
    first = frozenset(ref(item) for item in found.active if str(item.get("onsetDateTime"))[:10] == begun[0])
    return Expected((Day(begun[0]),), first, also=found.refs)


def resolved(found: Problem) -> Expected | None:
    """When it was over, where it was recorded once."""
    ended = _dates(found.records, "abatementDateTime")
    if not ended or len(ended) > 1 or found.active:
        return None
    return Expected((Day(ended[0]),), found.refs)


def history(found: Problem) -> Expected | None:
    """Each onset, with its end where it has one."""
    begun = _dates(found.records, "onsetDateTime")
    if not begun or len(begun) > 4:
        return None
    ended = [str(item["abatementDateTime"])[:10] for item in found.records if "abatementDateTime" in item]
    says = tuple(Day(day) for day in dict.fromkeys([*begun, *ended]))
    return Expected(says, found.refs, need=len(found.records))
