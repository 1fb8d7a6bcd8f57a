"""A search of which only the beginning is sorted: its pages are those of the whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_fixtures.store import create_app, open_store

LONG = 4200


class Dated:
    """Observations of one patient: several on a day, and some without a date."""

    def resources(self) -> Iterator[dict[str, Any]]:
        yield {"resourceType": "Patient", "id": "long"}
        for number in range(LONG):
            dated = {"effectiveDateTime": f"20{number % 26:02}-{number % 12 + 1:02}-{number % 28 + 1:02}"}
            yield {
                "resourceType": "Observation",
                "id": f"o{number}",
                "status": "final",
                "subject": {"reference": "Patient/long"},
                **(dated if number % 100 else {}),
            }

    def digest(self) -> str:
        return "dated"


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dated") / "fhir.sqlite"
    open_store(path, Dated()).close()
    return path


@pytest.mark.parametrize("order", ["date", "-date"])
@pytest.mark.anyio
async def test_the_pages_of_a_long_sorted_search_hold_every_record_once_in_order(
    long: Path, order: str
) -> None:
    store = open_store(long, Dated())
    transport = httpx.ASGITransport(create_app(store))
    ids: list[str] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as client:
        asked = {"patient": "long", "status:not": "cancelled", "_sort": order, "_count": "200"}
        url = str(httpx.URL("/Observation").copy_with(params={**asked, "_total": "accurate"}))
        while url:
            bundle = (await client.get(url)).json()
            assert bundle["total"] == LONG
            ids += [entry["resource"]["id"] for entry in bundle["entry"]]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    store.close()
    numbers = {one["id"]: place for place, one in enumerate(Dated().resources())}
    dates = {one["id"]: one.get("effectiveDateTime", "") for one in Dated().resources()}
    by_number = sorted((name for name in dates if name != "long"), key=lambda name: numbers[name])
    dated = sorted(
        (name for name in by_number if dates[name]), key=lambda name: dates[name], reverse=order == "-date"
    )
    assert ids == [*dated, *(name for name in by_number if not dates[name])]
