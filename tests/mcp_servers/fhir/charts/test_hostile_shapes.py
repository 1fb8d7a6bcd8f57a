"""Records that are not FHIR: whatever their shape, nothing raises and no record is lost."""

import copy
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_servers.fhir.charts import (
    KINDS,
    Ambiguous,
    list_records,
    observations,
    patient_row,
    record_row,
)
from mcp_servers.fhir.charts.kinds import kind_of
from tests.mcp_servers.fhir.charts.records import NOW, Resource, sample_resources
from tests.mcp_servers.fhir.charts.whole import overview

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2019", "9999", "0001-01-01T00:00:00+14:00", "1e999", "final"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@cache
def _samples() -> list[Resource]:
    """The hard cases, four of each resource type."""
    kept: dict[str, list[Resource]] = {}
    for resource in sample_resources():
        if str(resource.get("id", "")).startswith("hard-"):
            kept.setdefault(resource["resourceType"], []).append(resource)
    return [resource for found in kept.values() for resource in found[:4]]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [found for key, inner in items for found in [(*path, key), *_paths(inner, (*path, key))]]


@st.composite
def mutated(draw: Callable[..., Any]) -> Resource:
    """A sample with up to three of its elements replaced or wrapped in a list."""
    resource: Resource = copy.deepcopy(draw(st.sampled_from(_samples())))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(resource)))
        if path in (("resourceType",), ("id",)):
            continue
        holder: Any = resource
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = draw(JSON | st.just([holder[path[-1]]]))
    return resource


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_a_record_of_any_shape_is_still_a_row(resource: Resource) -> None:
    ref = f"{resource['resourceType']}/{resource['id']}"
    assert record_row(resource)["ref"] == ref
    kind = kind_of(resource)
    if kind is not None:
        found = list_records(kind, [resource], status="all", since="2019", now=NOW)
        assert [row["ref"] for row in found.rows] in ([ref], [])
        assert found.rows or found.notes
        list_records(kind, [resource], text="x", code="y", now=NOW)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(mutated(), max_size=4),
    st.sampled_from(["latest", "series", "statistics", "count"]),
    st.text(max_size=12),
)
def test_a_chart_of_any_shape_gets_an_answer(resources: list[Resource], mode: Any, name: str) -> None:
    overview({"resourceType": "Patient", "id": "p"}, resources, now=NOW)
    for asked in (name, "creatinine", "8480-6"):
        with suppress(Ambiguous):
            found = observations(resources, name=asked, mode=mode, now=NOW)
            assert found.rows or found.notes or found.finding == "nothing_recorded"


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), JSON)
def test_what_is_no_record_at_all_does_no_harm(resource: Resource, anything: Any) -> None:
    patient_row(resource | {"birthDate": anything, "name": anything}, NOW)
    record_row(resource)
    for kind in KINDS:
        assert list_records(kind, [resource, anything], now=NOW).rows == []
