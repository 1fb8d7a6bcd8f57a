"""Whose values of a measurement lie within a threshold: compared in one unit, and what cannot be is said."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from mcp_servers.fhir import terminology
from mcp_servers.fhir.charts.conversion import coded_unit
from mcp_servers.fhir.charts.elements import Resource, first, number, objects, string
from mcp_servers.fhir.charts.units import checked_unit, conversion, ucum
from mcp_servers.fhir.errors import InvalidRequest


class Threshold(NamedTuple):
    """A measurement's bound in `unit`, or in the commonest one; `which` value of a patient counts."""

    above: float | None
    below: float | None
    unit: str | None
    which: Literal["latest", "any"]

    def met_by(self, value: float) -> bool:
        """Whether a value lies within (the bounds themselves do not)."""
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)

    def __str__(self) -> str:
        said = [f"above {self.above:g}"] if self.above is not None else []
        said += [f"below {self.below:g}"] if self.below is not None else []
        return " and ".join(said) + (f" {self.unit}" if self.unit else "")


class Value(NamedTuple):
    """A recorded number: when (as `newest_first` sorts), its unit, and the code of what was measured.

    One with a comparator (> 20 %) is no number to compare.
    """

    at: tuple[bool, float]
    number: float
    unit: str
    comparator: str | None
    code: object

    def in_unit(self, wanted: str) -> float | None:
        """The number in a unit; None where it cannot be said in it."""
        if self.comparator is not None:
            return None
        if ucum(self.unit).casefold() == ucum(wanted).casefold():
            return self.number
        line = conversion(self.unit, wanted, self.code) if self.unit and wanted else None
        return line and line.at(self.number)


class Compared(NamedTuple):
    """The patients with a value within a threshold; not `exact` where some values could not be compared."""

    patients: set[str]
    notes: list[str]
    exact: bool


def values_of(record: Resource, meaning: terminology.Meaning, at: tuple[bool, float]) -> list[Value]:
    """The numbers of a record, or of its components, that are values of what was meant."""
    found = []
    for holder in (record, *objects(record.get("component"))):
        quantity, code = first(holder.get("valueQuantity")), holder.get("code")
        value = number(quantity.get("value"))
        value = number(holder.get("valueInteger")) if value is None else value
        if value is not None and meaning.covers(code):
            comparator = string(quantity.get("comparator"))
            found.append(Value(at, float(value), coded_unit(quantity), comparator, code))
    return found


def compare(values: Mapping[str, list[Value]], threshold: Threshold, said: str) -> Compared:
    """Who of the patients has a value within the threshold; conversions take a while to get ready.

    `said` names the criterion in notes. Raises InvalidRequest where no value can be compared, UnusableUnit.
    """
    wanted = checked_unit(threshold.unit) if threshold.unit else _commonest_unit(values.values())
    patients: set[str] = set()
    compared, others = Counter[str](), Counter[str]()
    for patient, those in values.items():
        latest = min(one.at for one in those)
        for one in those:
            number = one.in_unit(wanted)
            recorded = f"{one.comparator or ''} {one.unit or 'no unit'}".strip()
            (others if number is None else compared)[recorded] += 1
            counts = threshold.which == "any" or one.at == latest
            if counts and number is not None and threshold.met_by(number):
                patients.add(patient)
    if threshold.unit and others and not compared:
        raise InvalidRequest(
            f"No value of {said} can be said in {threshold.unit}; give `unit` as one of those recorded: "
            f"{', '.join(others)}."
        )
    units = ", ".join(f"{n} {unit}" for unit, n in compared.most_common())
    notes = [f"{said}: values compared in {wanted or 'no unit'}, as recorded: {units or 'none'}."]
    if others:
        units = ", ".join(f"{n} in {unit}" for unit, n in others.most_common())
        notes.append(
            f"Values in a unit without a conversion, or with a comparator, are not compared ({units})."
        )
    return Compared(patients, notes, exact=not others)


def _commonest_unit(values: Iterable[list[Value]]) -> str:
    counted = Counter(one.unit for those in values for one in those if one.comparator is None)
    return (counted.most_common(1) or [("", 0)])[0][0]
