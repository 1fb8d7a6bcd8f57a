"""FHIR interactions, as a client sent them and as a server wrote them down."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.audit.reconciliation.interactions import (
    Interaction,
    of_event,
    of_request,
    reason_unseen,
    reference_of,
)

BASE = "https://fhir.clinic.example/r4/fhir"


@pytest.mark.parametrize(
    ("url", "interaction"),
    [
        ("/Patient/p1", Interaction("read", "Patient/p1")),
        ("/Patient/p1/_history/2", Interaction("vread", "Patient/p1")),
        ("/Patient/p1/_history", Interaction("history", "Patient/p1")),
        ("/Patient/_history", Interaction("history", "Patient")),
        (
            "/Patient?name=Gr%C3%A4y&name=a+b",
            Interaction("search", "Patient", (("name", "Gräy"), ("name", "a b"))),
        ),
        ("/Patient", Interaction("search", "Patient")),
        ("/Patient/p1/Observation?code=", Interaction("search", "Patient/p1/Observation", (("code", ""),))),
        ("?_getpages=1&_count=2", Interaction("search", "", (("_count", "2"), ("_getpages", "1")))),
        ("/metadata", Interaction("metadata", "")),
        ("/Patient/p1/$everything", Interaction("operation", "$everything")),
        ("/ValueSet/$expand?url=x", Interaction("operation", "$expand")),
    ],
)
def test_what_a_request_asks_for(url: str, interaction: Interaction) -> None:
    assert of_request("GET", BASE + url, BASE) == interaction


@pytest.mark.parametrize(
    ("method", "url", "interaction"),
    [
        ("POST", "", Interaction("batch", "")),
        ("POST", "/Patient/_search?name=x", Interaction("search", "Patient", (("name", "x"),))),
        ("PUT", "/Device/d1", Interaction("put", "Device/d1")),
    ],
)
def test_what_other_methods_ask_for(method: str, url: str, interaction: Interaction) -> None:
    assert of_request(method, BASE + url, BASE) == interaction


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (f"{BASE}/Observation?code=x", "Observation"),
        (f"{BASE}/?code=x", ""),
        (f"{BASE}/Patient/p1/Observation?code=x", "Patient/p1/Observation"),
        ("http://10.0.0.7:8080/fhir/Observation?code=x", "Observation"),
        ("http://10.0.0.7:8080/fhir?code=x", ""),
        ("Observation?code=x", "Observation"),
        ("/fhir/Observation/_search?code=x", "Observation"),
    ],
)
def test_a_server_may_write_down_a_search_under_an_address_of_its_own(url: str, target: str) -> None:
    assert of_event(["search-type"], url, None, BASE) == Interaction("search", target, (("code", "x"),))


@pytest.mark.parametrize("code", ["read", "vread"])
@pytest.mark.parametrize(
    "reference", ["Patient/p1", f"{BASE}/Patient/p1", "http://10.0.0.7/fhir/Patient/p1/_history/2"]
)
def test_a_read_is_told_by_what_was_read(code: str, reference: str) -> None:
    assert of_event([code], None, reference, BASE) == Interaction(code, "Patient/p1")


@pytest.mark.parametrize(
    ("codes", "url", "reference"),
    [
        ([], "Observation?code=x", "Patient/p1"),
        (["read"], None, None),
        (["read"], None, "urn:uuid:1"),
        (["search"], None, None),
    ],
)
def test_an_event_that_does_not_say_what_was_asked_is_told_apart(
    codes: list[str], url: str | None, reference: str | None
) -> None:
    assert of_event(codes, url, reference, BASE) is None


NAMES = st.sampled_from(["code", "date", "_count", "name:contains", "_has:Observation:patient:code"])


@given(st.lists(st.tuples(NAMES, st.text(st.characters(codec="utf-8")))))
def test_a_search_is_the_same_in_any_order_and_encoding(parameters: list[tuple[str, str]]) -> None:
    sent = f"{BASE}/Observation?{urlencode(parameters)}"
    # Spaces as %20, nothing else safe, and in another order.
    written = "&".join(
        f"{name}={''.join(f'%{byte:02X}' for byte in value.encode())}" for name, value in reversed(parameters)
    )
    asked = of_request("GET", sent, BASE)
    assert asked == of_event(["search-type"], f"{BASE}/Observation?{written}", None, BASE)
    assert asked != of_request("GET", f"{sent}&patient=p1", BASE)
    assert str(asked) == "search Observation"


def test_a_reference_is_told_whatever_it_stands_in() -> None:
    assert reference_of("Patient/p1") == reference_of(f"{BASE}/Patient/p1/_history/3") == "Patient/p1"
    assert reference_of("#contained") is reference_of(None) is reference_of("Patient?identifier=1") is None


@pytest.mark.parametrize("entries", [1, None])
def test_a_search_that_found_something_has_no_reason_to_be_unseen(entries: int | None) -> None:
    asked = of_request("GET", f"{BASE}/Observation?code=x", BASE)
    assert reason_unseen(asked, {"status": 200, "entries": entries}) is None
