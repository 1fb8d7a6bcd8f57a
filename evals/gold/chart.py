"""One patient's raw resources, with what a question needs to be worked out from them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from evals.gold.records import Resource, instant, of_type, ref


@dataclass(frozen=True, eq=False)
class Chart:
    """A patient, all records about the patient, everybody's records by name, and the present."""

    patient: Resource
    records: list[Resource]
    named: Mapping[str, Resource] = field(repr=False)
    now: datetime

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        return {}

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type that are not entered in error."""
        if kind not in self._by_type:
            self._by_type[kind] = of_type(self.records, kind)
        return self._by_type[kind]

    @property
    def today(self) -> date:
        """The day of the present."""
        return self.now.date()

    @property
    def ref(self) -> str:
        """`Patient/id`."""
        return ref(self.patient)


def charts(resources: Iterable[Resource], now: datetime) -> Iterator[Chart]:
    """Every patient's chart, by `Patient/id`."""
    named = {ref(resource): resource for resource in resources}
    held: dict[str, list[Resource]] = {name: [] for name in named if name.startswith("Patient/")}
    for resource in named.values():
        about = resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or {}
        if about.get("reference") in held:
            held[about["reference"]].append(resource)
    for name in sorted(held):
        yield Chart(named[name], held[name], named, now)


def plain_date(resource: Resource, *paths: str) -> str | None:
    """The first of the fields (`period.start` leads into one) that holds a date, as recorded."""
    for path in paths:
        value: Any = resource
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return None


def whole_day(text: str | None) -> date | None:
    """The day as written; None for no date and for a partial one."""
    return date.fromisoformat(text[:10]) if text and len(text) >= 10 else None


def moment(text: str | None) -> datetime | None:
    """A full date or date-time as an instant."""
    return instant(text) if text else None


def names_of(concept: Resource | None) -> list[str]:
    """What a CodeableConcept is called: its text and its codings' displays, without the kind in brackets."""
    texts = [(concept or {}).get("text", "")]
    texts += [coding.get("display", "") for coding in (concept or {}).get("coding", [])]
    return list(dict.fromkeys(bare(text) for text in texts if text))


def bare(text: str) -> str:
    """A SNOMED display without its semantic tag: `Asthma (disorder)` is `Asthma`."""
    name, bracket, tag = text.rpartition(" (")
    return name if bracket and tag.rstrip(")") in TAGS else text


TAGS = {
    "disorder", "finding", "procedure", "situation", "person", "substance", "organism", "body structure",
    "morphologic abnormality", "regime/therapy", "record artifact", "observable entity", "physical object",
}  # fmt: skip
