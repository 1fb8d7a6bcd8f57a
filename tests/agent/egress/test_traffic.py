"""The ways out of the building: those that policy opens, those that were used, and where the two differ."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import DataClass, Form, Workflow
from agent.egress.ledger import sent
from agent.egress.policy import FORMS, EgressPolicy, Vendor, permission
from agent.egress.traffic import CLASSES, WORKFLOWS, open_ways, traffic

from .ledger_acts import escalation

VENDOR = Vendor("claude-opus-5-5", "https://models.example", "BAA-2026-7", "30 days", "us")


def test_under_never_and_with_nothing_sent_there_is_no_way_out() -> None:
    assert traffic(EgressPolicy(), VENDOR, []) == []


def test_without_a_hosted_model_no_policy_opens_a_way() -> None:
    assert open_ways(EgressPolicy("agreement"), None) == []


def test_deidentified_opens_all_but_images_and_needs_no_agreement() -> None:
    ways = open_ways(EgressPolicy("deidentified", {"batch": "never"}), replace(VENDOR, agreement=""))
    assert {way.workflow for way in ways} == {"ask", "chat", "evaluation"}
    assert {way.data for way in ways} == {"question", "records", "notes"}
    assert {(way.form, way.agreement, way.host) for way in ways} == {("deidentified", "", "models.example")}


def test_images_leave_as_they_are_under_an_agreement_where_they_are_named() -> None:
    ways = open_ways(EgressPolicy("never", {"chat": "agreement"}, {"images": "agreement"}), VENDOR)
    assert [(way.workflow, way.data, way.agreement) for way in ways][-1] == ("chat", "images", "BAA-2026-7")


forms: st.SearchStrategy[Form] = st.sampled_from(FORMS)
policies = st.builds(
    EgressPolicy,
    forms,
    st.dictionaries(st.sampled_from(WORKFLOWS), forms),
    st.dictionaries(st.sampled_from(CLASSES), forms),
)


@given(policies, st.sampled_from(WORKFLOWS), st.sets(st.sampled_from(CLASSES)))
def test_what_the_loop_would_send_is_on_the_map(
    policy: EgressPolicy, workflow: Workflow, classes: set[DataClass]
) -> None:
    held = {"question", *classes}
    form = permission(policy, workflow, [one for one in CLASSES if one in held]).form
    ways = {(way.workflow, way.data): way.form for way in open_ways(policy, VENDOR)}
    if form != "never":
        assert {ways.get((workflow, one)) for one in held} <= set(FORMS[FORMS.index(form) :])


def test_what_was_sent_by_an_open_way_is_counted_there() -> None:
    ledger = [
        sent(escalation(1)),
        sent(escalation(3, data_classes=["question"], at="2026-11-24T08:00:00.000Z")),
    ]
    found = {
        (one.way.workflow, one.way.data): one for one in traffic(EgressPolicy("deidentified"), VENDOR, ledger)
    }
    assert [one.sent for one in found.values()][:3] == [2, 1, 0]
    used = found["ask", "question"]
    assert (used.may, used.last, used.models) == (True, "2026-11-24T08:00:00.000Z", ("claude-opus-5-5",))
    assert {one.differs for one in found.values()} == {""}


@pytest.mark.parametrize(
    "sent_otherwise",
    [
        {"host": "other.example"},
        {"workflow": "batch"},
        {"workflow": "mcp"},
        {"policy": "agreement"},
        {"data_classes": ["images"]},
        {"data_classes": []},
        {"policy": None},
    ],
)
def test_what_was_sent_by_a_way_that_is_not_open_now_is_marked(sent_otherwise: dict[str, object]) -> None:
    policy = EgressPolicy("deidentified", {"batch": "never"})
    found = traffic(policy, VENDOR, [sent(escalation(1, **sent_otherwise))])
    marked = [one for one in found if one.differs]
    assert [one.differs for one in marked] == ["SENT, AND MAY NOT NOW"] * len(marked)
    assert marked
    assert all(one.sent for one in marked)


def test_what_was_sent_under_another_agreement_is_marked() -> None:
    ledger = [sent(escalation(1, policy="agreement", agreement="BAA-2019-1"))]
    found = traffic(EgressPolicy("agreement"), VENDOR, ledger)
    assert {one.way.agreement for one in found if one.differs} == {"BAA-2019-1"}


def test_what_was_sent_without_the_consent_that_is_wanted_is_marked() -> None:
    ledger = [sent(escalation(1)), sent(escalation(3, consent=""))]
    found = traffic(EgressPolicy("deidentified"), VENDOR, ledger, consent=True)
    assert found[0].differs == "1 WITHOUT CONSENT"
    assert traffic(EgressPolicy("deidentified"), VENDOR, ledger)[0].differs == ""
