"""What a CapabilityStatement lets through: `_has` for searches beyond one patient, and operations."""

import pytest

from mcp_servers.fhir.access.capability import read_capability
from mcp_servers.fhir.errors import InvalidRequest
from tests.mcp_servers.fhir.scripted import capability_statement


def test_has_is_let_through_where_its_reference_and_its_parameter_are_known() -> None:
    capability = read_capability(capability_statement())
    capability.check("Patient", "_has:Observation:patient:code", "8867-4")


@pytest.mark.parametrize(
    "name",
    [
        "_has:Observation:code:date",
        "_has:Observation:patient:colour",
        "_has:Observation:patient",
        "_has:Nothing:patient:code",
        "_has:Observation:patient:_has",
        "_has:",
    ],
)
def test_has_is_refused_where_the_server_would_not_understand_it(name: str) -> None:
    with pytest.raises(InvalidRequest):
        read_capability(capability_statement()).check("Patient", name, "8867-4")


def test_operations_are_known_by_type() -> None:
    statement = capability_statement()
    statement["rest"][0]["resource"][0]["operation"] = [{"name": "everything"}, {"name": "match"}]
    capability = read_capability(statement)
    assert capability.operations["Patient"] == {"everything", "match"}
    assert capability.operations["Observation"] == frozenset()


@pytest.mark.parametrize(
    ("stated", "includes"),
    [
        (None, True),
        ([], True),
        (["*"], True),
        (["MedicationRequest:*"], True),
        (["MedicationRequest:medication"], True),
        (["MedicationRequest:requester"], False),
    ],
)
def test_where_the_server_states_its_includes_it_has_no_others(
    stated: list[str] | None, includes: bool
) -> None:
    statement = capability_statement()
    for one in statement["rest"][0]["resource"]:
        if stated is not None:
            one["searchInclude"] = stated
    capability = read_capability(statement)
    assert capability.has_include("MedicationRequest:medication") is includes
    assert capability.has_include("MedicationRequest:medication:Medication") is includes
    assert not capability.has_include("MedicationRequest:status")
