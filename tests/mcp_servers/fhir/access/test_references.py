"""Reading and checking literal references."""

import pytest

from mcp_servers.fhir.access.references import checked, checked_patient, parse
from mcp_servers.fhir.errors import InvalidRequest


@pytest.mark.parametrize("text", ["Observation/.", "Observation/..", "Observation/../x", "Observation/x/.."])
def test_an_id_that_leads_to_another_path_is_none(text: str) -> None:
    assert parse(text) is None
    with pytest.raises(InvalidRequest):
        checked(text)


@pytest.mark.parametrize("text", ["..", ".", "Patient/..", "", "A/B", "A\n", "\u0410"])
def test_what_is_no_id_names_no_patient(text: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_patient(text)


@pytest.mark.parametrize("text", ["Observation/...", "Observation/a..b", "Observation/.a", "Observation/-"])
def test_odd_ids_that_fhir_allows_are_read(text: str) -> None:
    assert checked(text).local == text
