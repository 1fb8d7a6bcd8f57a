"""Reading and checking literal references."""

import tracemalloc

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


def test_a_text_too_long_for_a_reference_is_none_and_is_not_kept() -> None:
    assert parse(f"https://{'a' * 2000}/Observation/1") is None
    tracemalloc.start()
    try:
        for n in range(100):
            assert parse(f"data:text/plain;base64,{n}{'A' * 100_000}") is None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
