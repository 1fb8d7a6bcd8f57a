"""The report on speed: where a ratio is judged, and where it is only told."""

from evals.bench.speed import Pace
from evals.bench.tools import paces

# One request of 2 ms, of which the call makes 6: 3 of them are the trail's.
SINGLE = Pace("fhir_read", 1, [6.0, 6.0, 6.0], [2.0, 2.0, 2.0], [3.0, 3.0, 3.0])
REFUSED = (3.5, 3.0)


def test_a_real_server_is_judged_by_the_ratio_of_a_call_to_its_request() -> None:
    assert [*paces([SINGLE], REFUSED, embedded=False)][-1].startswith("FAIL  single requests")
    as_quick = SINGLE._replace(call=[2.1, 2.1, 2.1])
    assert [*paces([as_quick], REFUSED, embedded=False)][-1].startswith("PASS  single requests")


def test_on_the_embedded_store_the_ratio_is_told_with_the_reason_why_it_is_not_judged() -> None:
    told = [*paces([SINGLE], REFUSED, embedded=True)]
    assert not any(line.startswith(("PASS", "FAIL")) for line in told)
    assert "highest ratio (fhir_read): 3, which is 4.0 ms a call" in told[-2]
    assert "takes 2.0 ms, and the trail of a call 3.0" in told[-1]


def test_each_call_tells_what_it_costs_beyond_its_requests_and_what_of_that_is_the_trail() -> None:
    (row,) = (line for line in paces([SINGLE], REFUSED, embedded=True) if line.startswith("fhir_read"))
    assert row.split()[-3:] == ["3.00", "4.0", "3.0"]
