"""The recording of HAPI's answers belongs to these charts and requests, and agrees with plain Python."""

from fhir_fixtures import charts
from tests.contract.differences import DIFFERENCES
from tests.contract.exchange import PAGE, Case, condensed
from tests.contract.interactions import interactions
from tests.contract.recording import recorded, request
from tests.contract.searches import drawn_searches
from tests.contract.writes import SCENARIOS

REMAKE = (
    "remake it: python -m tests.contract.record BASE, with a HAPI from python -m fhir_fixtures.hapi --load"
)


def drawn() -> list[Case]:
    return [*drawn_searches(), *interactions()]


def test_the_recording_was_made_with_these_charts() -> None:
    assert recorded().charts == charts.digest(), REMAKE


def test_the_recording_holds_the_requests_that_the_charts_give() -> None:
    assert [request(case) for case in drawn()] == [request(case) for case, _ in recorded().reads], REMAKE


def test_the_recording_holds_every_step_of_every_scenario() -> None:
    asked = {
        scenario: [f"{number}. {case.name}" for number, case in enumerate(cases, start=1)]
        for scenario, cases in SCENARIOS.items()
    }
    assert asked == {scenario: list(answers) for scenario, answers in recorded().writes.items()}, REMAKE


def test_every_request_has_a_name_of_its_own() -> None:
    names = [case.name for case, _ in recorded().reads]
    assert len(names) == len(set(names))


def test_hapi_finds_what_plain_python_finds_in_the_charts() -> None:
    answers = {case.name: answer for case, answer in recorded().reads}
    otherwise = {}
    for case in drawn():
        if case.expected is None:
            continue
        answer = answers[case.name]
        whole = len(case.expected) <= PAGE
        found = (answer.get("total"), answer.get("matches") if whole else None)
        if found != (len(case.expected), condensed(case.expected) if whole else None):
            otherwise[case.name] = (found, len(case.expected))
    assert otherwise == {}


def test_every_listed_difference_is_about_a_recorded_request_and_gives_its_reason() -> None:
    names = {case.name for case, _ in recorded().reads}
    names |= {f"{scenario}: {name}" for scenario, answers in recorded().writes.items() for name in answers}
    assert {*DIFFERENCES} <= names
    assert all(len(difference.reason) > 20 for difference in DIFFERENCES.values())
