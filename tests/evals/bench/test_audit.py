"""The report on the audit trail's cost: where it is judged, and what it is a share of."""

import pytest

from evals.bench.audit import overheads
from evals.bench.speed import Pace


def pace(name: str, call: float, trail: float) -> Pace:
    return Pace(name, 1, [call] * 3, [call] * 3, [trail] * 3)


@pytest.mark.parametrize(("call", "verdict"), [(51.0, "PASS"), (21.0, "FAIL")])
def test_a_real_server_is_judged_by_what_the_trail_adds_to_the_rest_of_a_call(
    call: float, verdict: str
) -> None:
    lines = [*overheads([pace("fhir_read", call, 1.5)], embedded=False)]
    assert lines[-1].startswith(f"{verdict}  over all calls")


def test_the_share_is_of_the_call_without_its_trail() -> None:
    (row,) = (line for line in overheads([pace("fhir_read", 3.0, 1.0)], embedded=True) if "fhir_read" in line)
    assert row.split() == ["fhir_read", "2.00", "1.00", "50.0%"]


def test_on_the_embedded_store_it_is_told_and_not_judged() -> None:
    *_, last = overheads([pace("fhir_read", 3.0, 1.0)], embedded=True)
    assert last.startswith("----")
