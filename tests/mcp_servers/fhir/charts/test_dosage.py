"""Dose instructions in words."""

from typing import Any

import pytest

from mcp_servers.fhir.charts.dosage import dosages_text, timing_text
from tests.mcp_servers.fhir.charts.records import amount, concept


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        ({"text": "1000 mg by mouth twice a day"}, "1000 mg by mouth twice a day"),
        (
            {"text": "500mg", "doseAndRate": [{"doseQuantity": amount(500.0, "mg")}], "route": concept("PO")},
            "500mg, PO",
        ),
        (
            {
                "doseAndRate": [{"doseQuantity": amount(2.5, "mg")}],
                "route": concept("Oral"),
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "asNeededBoolean": True,
            },
            "2.5 mg Oral 2 times per day as needed",
        ),
        ({"asNeededCodeableConcept": concept("pain")}, "as needed for pain"),
        (
            {"doseAndRate": [{"doseRange": {"low": amount(1, "tablet"), "high": amount(2, "tablet")}}]},
            "1-2 tablet",
        ),
        ({"doseAndRate": [{"rateQuantity": amount(12, "mL/h")}]}, "at 12 mL/h"),
        (
            {"rateRatio": {"numerator": amount(1, "L"), "denominator": amount(8, "h")}},
            "at 1 L per 8 h",
        ),
        ({"dose": amount(5000, "[iU]"), "route": concept("IV")}, "5000 [iU] IV"),
        (
            {
                "text": "as told",
                "maxDosePerPeriod": {"numerator": amount(4, "g"), "denominator": amount(1, "d")},
            },
            "as told, at most 4 g per 1 d",
        ),
        ({"text": "25 mg", "doseAndRate": [{"doseQuantity": amount(2.5, "mg")}]}, "25 mg, 2.5 mg"),
        ({}, None),
    ],
)
def test_a_dose_is_the_prescribers_text_and_what_the_structure_adds(
    dosage: dict[str, Any], expected: str | None
) -> None:
    assert dosages_text(dosage) == expected


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, "every day"),
        ({"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}, "every 8 hours"),
        (
            {"repeat": {"frequency": 3, "frequencyMax": 4, "period": 1, "periodUnit": "d"}},
            "3-4 times per day",
        ),
        ({"repeat": {"frequency": 2, "period": 2, "periodUnit": "wk"}}, "2 times every 2 weeks"),
        ({"repeat": {"period": 1, "periodUnit": "mo"}}, "every month"),
        ({"repeat": {"dayOfWeek": ["mon", "thu"], "timeOfDay": ["08:00:00"]}}, "on mon, thu at 08:00:00"),
        ({"code": concept("BID")}, "BID"),
        ({}, None),
    ],
)
def test_a_timing_is_put_into_words(timing: dict[str, Any], expected: str | None) -> None:
    assert timing_text(timing) == expected
