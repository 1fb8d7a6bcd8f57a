"""Pages: HAPI's next links, totals that may be absent, and searches that expire."""

import httpx
import pytest

from fhir_fixtures.store import Store
from tests.fhir_fixtures.store.test_search import found

pytestmark = pytest.mark.anyio


def link(bundle: dict[str, list[dict[str, str]]], relation: str) -> str | None:
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)


async def test_every_match_is_on_exactly_one_page(reader: httpx.AsyncClient) -> None:
    bundle = (await reader.get("Observation?_count=2&_sort=date")).json()
    seen = found(bundle)
    while url := link(bundle, "next"):
        assert url.startswith("http://embedded/fhir?_getpages=")
        bundle = (await reader.get(url)).json()
        seen += found(bundle)
    assert seen == ["smoker", "a1c-2019", "bp-low", "glucose", "bp-high", "a1c-2020"]
    previous = (await reader.get(link(bundle, "previous") or "")).json()
    assert found(previous) == ["bp-low", "glucose"]


async def test_the_total_is_absent_while_pages_follow_unless_it_is_asked_for(
    reader: httpx.AsyncClient,
) -> None:
    assert "total" not in (await reader.get("Observation?_count=5")).json()
    assert (await reader.get("Observation?_count=5&_total=accurate")).json()["total"] == 6
    assert (await reader.get("Observation?_count=6")).json()["total"] == 6


async def test_pages_show_the_search_as_it_was_when_it_began(writer: httpx.AsyncClient) -> None:
    bundle = (await writer.get("Observation?_count=4")).json()
    first = found(bundle)
    body = (await writer.get("Observation/glucose")).json()
    await writer.post("Observation", json=body)
    await writer.delete("Observation/bp-low")
    rest = found((await writer.get(link(bundle, "next") or "")).json())
    assert {*first, *rest} == {"a1c-2019", "a1c-2020", "glucose", "smoker", "bp-high"}


async def test_every_page_brings_along_what_its_own_matches_refer_to(reader: httpx.AsyncClient) -> None:
    bundle = (await reader.get("Observation?_count=1&_sort=date&_include=Observation:patient")).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == ["smoker", "ben"]
    bundle = (await reader.get(link(bundle, "next") or "")).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == ["a1c-2019", "ana"]


async def test_the_pages_of_a_search_expire(store: Store, writer: httpx.AsyncClient) -> None:
    url = link((await writer.get("Observation?_count=1")).json(), "next") or ""
    assert (await writer.get(url)).status_code == 200
    with store.transaction():
        store.connection.execute("UPDATE pages SET created = created - 3600000")
    response = await writer.get(url)
    assert response.status_code == 410
    assert "may have expired" in response.json()["issue"][0]["diagnostics"]


async def test_a_page_size_above_the_most_is_clamped(writer: httpx.AsyncClient) -> None:
    entries = [
        {"resource": {"resourceType": "Basic"}, "request": {"method": "POST", "url": "Basic"}}
        for _ in range(201)
    ]
    await writer.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert len(found((await writer.get("Basic?_count=1000")).json())) == 200
    assert len(found((await writer.get("Basic")).json())) == 20


async def test_the_self_link_holds_what_was_understood(reader: httpx.AsyncClient) -> None:
    response = await reader.get(
        "Observation?code=4548-4&bogus=1&date=ge2019", headers={"Prefer": "handling=lenient"}
    )
    url = httpx.URL(link(response.json(), "self") or "")
    assert url.path == "/fhir/Observation"
    assert url.params.multi_items() == [("code", "4548-4"), ("date", "ge2019")]


async def test_everything_about_a_patient_comes_in_pages(reader: httpx.AsyncClient) -> None:
    bundle = (await reader.get("Patient/ana/$everything?_count=4")).json()
    seen = found(bundle)
    assert seen[0] == "ana"
    while url := link(bundle, "next"):
        bundle = (await reader.get(url)).json()
        seen += found(bundle)
    assert set(seen) == {
        "ana", "a1c-2019", "a1c-2020", "glucose", "bp-high", "stay", "metformin", "gp", "clinic",
    }  # fmt: skip
    of_type = (await reader.get("Patient/ana/$everything?_type=Encounter,Patient")).json()
    assert set(found(of_type)) == {"ana", "stay", "clinic", "gp"}
