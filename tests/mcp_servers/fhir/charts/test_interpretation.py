"""Flags as recorded, and those computed from a reference range."""

from typing import Any

import pytest

from mcp_servers.fhir.charts.interpretation import abnormal, interpretation
from tests.mcp_servers.fhir.charts.records import amount, coded

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
RANGE = [{"low": amount(70, "mg/dL"), "high": amount(99, "mg/dL")}]
CRITICAL = {"low": amount(40, "mg/dL"), "type": coded("http://x", "treatment")}


def _result(value: float, ranges: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "valueQuantity": amount(value, "mg/dL", **more),
        "referenceRange": RANGE if ranges is None else ranges,
    }


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_result(69.9), "Low (computed from the range)"),
        (_result(70), "Normal (computed from the range)"),
        (_result(99), "Normal (computed from the range)"),
        (_result(99.1), "High (computed from the range)"),
        (_result(120, [{"low": {"value": 70}, "high": {"value": 99}}]), "High (computed from the range)"),
        (_result(60, [*RANGE, CRITICAL]), "Low (computed from the range)"),
        (_result(60, [CRITICAL]), None),
        (_result(60, [{**RANGE[0], "appliesTo": []}, {**RANGE[0], "low": amount(50, "mg/dL")}]), None),
        (_result(6, [{"high": amount(5.5, "mmol/L")}]), None),
        (_result(6, [{"text": "below 5"}]), None),
        (_result(60, comparator="<"), "Low (computed from the range)"),
        (_result(80, comparator="<"), None),
        (_result(99, comparator=">"), "High (computed from the range)"),
        (_result(80, comparator=">="), None),
        ({"valueString": "high", "referenceRange": RANGE}, None),
        ({**_result(120), "interpretation": [coded(INTERPRETATION, "N")]}, "Normal"),
        ({**_result(80), "interpretation": [{"text": "borderline"}]}, "borderline"),
    ],
)
def test_an_interpretation_is_the_recorded_one_or_says_that_it_is_computed(
    holder: dict[str, Any], expected: str | None
) -> None:
    assert interpretation(holder) == expected


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_result(100), True),
        (_result(80), False),
        ({**_result(80), "interpretation": [coded(INTERPRETATION, "A")]}, True),
        ({**_result(100), "interpretation": [coded(INTERPRETATION, "N")]}, True),
        ({**_result(80, []), "interpretation": [coded(INTERPRETATION, "LL")]}, True),
        ({**_result(80, []), "interpretation": [{"text": "Critical high"}]}, True),
        ({**_result(80, []), "interpretation": [{"text": "not abnormal"}]}, False),
        ({**_result(80, []), "interpretation": [coded(INTERPRETATION, "POS")]}, False),
        ({"interpretation": [{**coded(INTERPRETATION, "POS"), "text": "High"}]}, False),
        ({"interpretation": [coded(INTERPRETATION, "HH")]}, True),
    ],
)
def test_abnormal_is_what_lies_outside_its_range_or_is_flagged_so(
    holder: dict[str, Any], expected: bool
) -> None:
    assert abnormal(holder) is expected
