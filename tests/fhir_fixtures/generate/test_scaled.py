"""Scaled charts: as large as asked for, the same in every run, growing as a chart does."""

from collections import Counter
from pathlib import Path

import pytest

from fhir_fixtures.generate.references import Resource, name_of, references_in
from fhir_fixtures.generate.scaled import CODES, STANDING, ScaledCharts, patient_id
from fhir_fixtures.store import open_store

SMALL, LARGE = 300, 3000


@pytest.fixture(scope="module")
def made() -> dict[int, list[Resource]]:
    found = list(ScaledCharts((SMALL, LARGE)).resources())
    return {
        size: [one for one in found if f"{one['id']}-".startswith(f"{patient_id(size)}-")]
        for size in (SMALL, LARGE)
    }


def test_a_chart_has_as_many_resources_as_asked_for_each_once(made: dict[int, list[Resource]]) -> None:
    assert {size: len({name_of(one) for one in chart}) for size, chart in made.items()} == {
        300: 300,
        3000: 3000,
    }


def test_the_same_size_is_the_same_chart(made: dict[int, list[Resource]]) -> None:
    assert list(ScaledCharts((SMALL,)).resources()) == made[SMALL]


def test_what_stands_does_not_grow_and_results_do(made: dict[int, list[Resource]]) -> None:
    small, large = (Counter(_what(one) for one in made[size]) for size in (SMALL, LARGE))
    for kind, many in STANDING.items():
        assert small[f"{kind} active"] == large[f"{kind} active"] == many
    assert large["Observation"] > 9 * small["Observation"]
    assert large["Encounter"] == 60


def test_a_large_chart_has_all_measurements_some_of_them_once(made: dict[int, list[Resource]]) -> None:
    codes = Counter(
        one["code"]["coding"][0]["code"] for one in made[LARGE] if one["resourceType"] == "Observation"
    )
    assert len(codes) == CODES
    assert list(codes.values()).count(1) >= 5


def test_what_is_referred_to_comes_before(made: dict[int, list[Resource]]) -> None:
    seen: set[str] = set()
    for one in made[LARGE]:
        assert seen.issuperset(references_in(one))
        seen.add(name_of(one))


def test_a_store_takes_them_as_its_samples(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", ScaledCharts((SMALL,)))
    assert store.current("Patient", patient_id(SMALL)) is not None
    store.close()


def _what(one: Resource) -> str:
    status = one.get("clinicalStatus", {}).get("coding", [{}])[0].get("code") or one.get("status")
    return f"{one['resourceType']} active" if status == "active" else str(one["resourceType"])
