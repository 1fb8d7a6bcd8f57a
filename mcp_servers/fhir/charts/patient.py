"""The patient as a row: who it is, how old, alive or not."""

from mcp_servers.fhir.charts.dates import span, years_between
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    codes,
    first,
    objects,
    resource_ref,
    row_of,
    string,
)
from mcp_servers.fhir.charts.names import human_name


def patient_row(patient: Resource, now: str) -> Row:
    """`ref, name, birth_date, sex, identifier, age, deceased`.

    `age` in whole years at `now` (ISO), or at death; absent where the dates leave it open, or where the
    patient has died without a date. `deceased` is false, true, or the date, absent where nothing is said.
    `sex` is the administrative gender.
    """
    died = string(patient.get("deceasedDateTime"))
    flag = patient.get("deceasedBoolean")
    deceased = died or (flag if isinstance(flag, bool) else None)
    born = patient.get("birthDate")
    at = None if deceased is True else died or now
    return row_of(
        ref=resource_ref(patient),
        name=human_name(patient.get("name")),
        birth_date=string(born),
        sex=string(patient.get("gender")),
        identifier=_identifier(patient),
        age=_age(born, at),
        deceased=deceased,
    )


def _age(born: object, at: str | None) -> int | None:
    if at is None or span(at) is None:
        return None
    return years_between(born, at)


def _identifier(patient: Resource) -> str | None:
    """The medical record number where one is marked so (v2-0203 `MR`), else the first identifier."""
    found = objects(patient.get("identifier"))
    ranked = sorted(found, key=lambda one: "MR" not in codes(one.get("type")))
    return string(first(ranked).get("value"))
