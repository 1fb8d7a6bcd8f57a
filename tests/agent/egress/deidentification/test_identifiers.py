from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.deidentification import Identifiers

KEYS = [
    "name",
    "identifier",
    "address",
    "telecom",
    "reference",
    "display",
    "text",
    "given",
    "class",
    "contained",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(KEYS),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


SHOWN = {"reference": "Practitioner/1", "display": "Quaranta, Ines MD"}
TOLD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": [{"text": "Ines Quaranta", "use": "usual"}]}, "Quaranta", "PERSON"),
    ({"contact": [{"name": {"family": "Quaranta"}}]}, "quaranta", "PERSON"),
    ({"performer": [SHOWN]}, "Ines Quaranta", "PERSON"),
    ({"asserter": {"type": "Practitioner", "display": "Dr. Ines Quaranta"}}, "QUARANTA", "PERSON"),
    ({"resourceType": "FamilyMemberHistory", "name": "Ines Quaranta"}, "Ines", "PERSON"),
    ({"note": [{"authorString": "Ines Quaranta", "text": "x"}]}, "Quaranta", "PERSON"),
    ({"contained": [{"resourceType": "Patient", "name": [{"family": "Quaranta"}]}]}, "Quaranta", "PERSON"),
    ({"resourceType": "Organization", "name": "Harbor", "alias": ["HRC West"]}, "HRC West", "ORGANISATION"),
    (
        {"managingOrganization": {"reference": "Organization/1", "display": "Ridge Six"}},
        "ridge six",
        "ORGANISATION",
    ),
    ({"address": [{"city": "Wrenfield"}]}, "wrenfield", "PLACE"),
    ({"resourceType": "Coverage", "subscriberId": "XQ8812340"}, "xq8812340", "PLAN"),
    ({"resourceType": "Coverage", "class": [{"value": "GRP-70041"}]}, "grp 70041", "PLAN"),
    ({"udiCarrier": [{"deviceIdentifier": "0884838A"}]}, "0884838A", "DEVICE"),
    ({"resourceType": "Claim", "identifier": [{"value": "CLM-99-12345"}]}, "clm 99 12345", "ID"),
    ({"telecom": [{"system": "phone", "value": "319.757.9510"}]}, "(319) 757-9510", "PHONE"),
]


@pytest.mark.parametrize(("resource", "text", "kind"), TOLD)
def test_the_dictionary_holds_what_any_resource_tells(resource: dict[str, Any], text: str, kind: str) -> None:
    [span] = Identifiers.of([{"resourceType": "Patient", "id": "1", **resource}]).in_text(f"so {text} it is")
    assert span.kind == kind


def test_departments_and_coded_names_are_no_identifiers() -> None:
    chart = Identifiers.of(
        [
            {"resourceType": "Location", "id": "1", "name": "Cardiology"},
            {"resourceType": "Condition", "id": "2", "code": {"text": "Asthma"}},
        ]
    )
    assert not list(chart.in_text("Asthma, seen in Cardiology"))


def test_the_same_practitioner_of_many_records_is_one_entity() -> None:
    records = [
        {"resourceType": "Observation", "id": shown, "performer": [{**SHOWN, "display": shown}]}
        for shown in ("Ines Quaranta", "Dr. Ines Quaranta", "Quaranta, Ines")
    ]
    chart = Identifiers.of(records)
    assert len({one.entity for one in chart.in_text("Ines Quaranta; Quaranta; Quaranta, Ines")}) == 1


def test_short_and_usual_numbers_are_nobodys() -> None:
    chart = Identifiers.of(
        [{"resourceType": "Encounter", "id": "1", "identifier": [{"value": "12"}, {"value": "80000"}]}]
    )
    assert not list(chart.in_text("12 of 80000 cells"))


ELEMENTS = ("name", "identifier", "address", "telecom", "contact", "birthDate")


@given(elements=st.fixed_dictionaries({}, optional=dict.fromkeys(ELEMENTS, ANYTHING)))
def test_broken_resources_make_a_dictionary_all_the_same(elements: dict[str, Any]) -> None:
    patient = {"resourceType": "Patient", "id": "p", **elements}
    list(Identifiers.of([patient]).in_text("Any text of 2019 at all, by A. B. C."))
