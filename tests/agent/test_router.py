"""The router as a table: what happened, where the next step goes, and why."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.policy import Permission
from agent.errors import (
    AuditUnavailable,
    CannotAnswer,
    ChartUnavailable,
    ContextExceeded,
    LimitReached,
    ModelFailed,
    ModelUnavailable,
    NavigatorError,
    NotPermitted,
)
from agent.messages import RouteEntry, Target
from agent.router import (
    FAILED_TWICE,
    Progress,
    RoutePolicy,
    Workload,
    after_failure,
    goes_on,
    held_back,
    route,
    workload,
)

NEVER = Permission("never", "policy for ask is never")
BARE = Permission("deidentified", "policy for ask is deidentified")
AGREED = Permission("agreement", "policy for ask is agreement")
ALL: frozenset[Target] = frozenset({"local", "text", "image", "escalation"})
HOSTED: frozenset[Target] = frozenset({"local", "escalation"})


@pytest.mark.parametrize(
    ("question", "images", "patient", "kind"),
    [
        ("What was the last HbA1c?", 0, True, "records"),
        ("Which drugs raise potassium?", 0, False, "text"),
        ("Describe this chest x-ray.", 1, True, "image description"),
        ("What does the image show?", 1, False, "image description"),
        ("Is this film worse than her previous one?", 1, True, "records"),
        ("Does the picture fit her last HbA1c?", 1, True, "records"),
        ("Classify these slides.", 3, True, "image labels"),
        ("Find similar images.", 1, False, "image labels"),
        ("Classify her kidney disease.", 0, True, "records"),
        ("What is the most likely diagnosis in this image?", 1, True, "records"),
        ("Is this rash similar to her previous one?", 1, True, "records"),
        ("Describe this x-ray and retrieve her last report.", 1, True, "records"),
    ],
)
def test_the_workload_is_told_by_the_words_and_by_what_comes_with_them(
    question: str, images: int, patient: bool, kind: Workload
) -> None:
    assert workload(question, images, patient) == kind


@pytest.mark.parametrize(
    ("kind", "targets", "target", "why"),
    [
        ("records", ALL, "local", "0 of 5 local tool hops used"),
        ("text", ALL, "text", "0 of 5 local tool hops used"),
        ("text", HOSTED, "local", "no model for text, the planner takes it"),
        ("image description", ALL, "image", "0 of 5 local tool hops used"),
        ("image description", HOSTED, "local", "no model for image description, the planner takes it"),
        ("image labels", ALL, "encoder", "0 of 5 local tool hops used"),
    ],
)
def test_each_workload_has_its_model_and_what_is_missing_falls_to_the_planner(
    kind: Workload, targets: frozenset[Target], target: str, why: str
) -> None:
    entry = route(Progress(workload=kind), RoutePolicy(targets=targets), AGREED)
    assert entry.target == target
    assert why in entry.reason


TRIGGERS: list[tuple[dict[str, Any], str]] = [
    ({"hops": 6}, "more than 5 tool hops"),
    ({"tokens": 32_769}, "more than 32768 tokens of context"),
    ({"trigger": FAILED_TWICE}, FAILED_TWICE),
    ({"trigger": "the person asked for the hosted model"}, "the person asked for the hosted model"),
    ({"trigger": "the model here says that it cannot: too much"}, "the model here says that it cannot"),
    ({"trigger": "the model here failed: no JSON"}, "the model here failed: no JSON"),
]


@pytest.mark.parametrize("permission", [BARE, AGREED])
@pytest.mark.parametrize(("happened", "why"), TRIGGERS)
def test_every_trigger_goes_to_the_hosted_model_where_policy_lets_it(
    happened: dict[str, Any], why: str, permission: Permission
) -> None:
    entry = route(Progress(**happened), RoutePolicy(targets=HOSTED), permission)
    assert entry.target == "escalation"
    assert entry.reason.startswith(why)
    assert entry.reason.endswith(permission.why)
    assert held_back(Progress(**happened), RoutePolicy(targets=HOSTED), permission) == ""


@pytest.mark.parametrize(
    ("permission", "targets", "kept_home", "why"),
    [
        (NEVER, HOSTED, "", "policy for ask is never: nothing leaves"),
        (BARE, frozenset({"local"}), "", "no hosted model is configured"),
        (BARE, HOSTED, "the person did not consent", "the person did not consent"),
        (AGREED, HOSTED, "No model server answers", "No model server answers"),
    ],
)
@pytest.mark.parametrize(("happened", "trigger"), TRIGGERS)
def test_every_trigger_stays_home_for_the_reason_that_is_told(
    happened: dict[str, Any],
    trigger: str,
    permission: Permission,
    targets: frozenset[Target],
    kept_home: str,
    why: str,
) -> None:
    progress, policy = Progress(kept_home=kept_home, **happened), RoutePolicy(targets=targets)
    entry = route(progress, policy, permission)
    assert entry.target == "local"
    assert trigger in entry.reason
    assert f"but {why}" in entry.reason
    assert why in held_back(progress, policy, permission)


@given(
    hops=st.integers(0, 60),
    tokens=st.integers(0, 200_000),
    trigger=st.text(max_size=20),
    handed=st.text(max_size=9),
)
def test_under_the_policy_never_nothing_ever_goes_to_the_hosted_model(
    hops: int, tokens: int, trigger: str, handed: str
) -> None:
    progress = Progress(hops=hops, tokens=tokens, trigger=trigger, handed_over=handed)
    for first in (True, False):
        assert route(progress, RoutePolicy(offline_first=first, targets=ALL), NEVER).target != "escalation"


@given(hops=st.integers(0, 60), after=st.integers(1, 50))
def test_up_to_the_limit_every_step_stays_here(hops: int, after: int) -> None:
    entry = route(Progress(hops=hops), RoutePolicy(escalate_after=after, targets=HOSTED), BARE)
    assert (entry.target == "escalation") == (hops > after)


@given(hops=st.integers(0, 60), refused=st.text(max_size=40))
def test_the_rules_come_first_where_policy_says_so_until_they_hand_over(hops: int, refused: str) -> None:
    progress = Progress(hops=min(hops, 5), handed_over=refused)
    policy = RoutePolicy(offline_first=True)
    assert (route(progress, policy, NEVER).target == "offline") == (not refused)
    assert route(progress, RoutePolicy(), NEVER).target == "local"


def test_the_reason_of_a_hand_over_is_on_the_route() -> None:
    progress = Progress(handed_over="I could not read 'plan'. I answer look-ups such as ...")
    entry = route(progress, RoutePolicy(offline_first=True), NEVER)
    assert entry.target == "local"
    assert entry.reason.endswith("handed over by the rules: I could not read 'plan'")


FAILURES: list[tuple[Target, NavigatorError, Permission, dict[str, str] | None]] = [
    ("offline", CannotAnswer("I could not read it."), NEVER, {"handed_over": "I could not read it."}),
    ("offline", ChartUnavailable("down"), BARE, None),
    ("local", CannotAnswer("Too much."), BARE, {"trigger": "the model here says that it cannot: Too much"}),
    (
        "local",
        ModelFailed("No JSON, twice. See."),
        BARE,
        {"trigger": "the model here failed: No JSON, twice"},
    ),
    ("local", ContextExceeded("Too long."), AGREED, {"trigger": "the model here failed: Too long"}),
    ("local", ModelUnavailable("Down."), BARE, None),
    ("text", ModelUnavailable("Down."), AGREED, None),
    ("local", CannotAnswer("Too much."), NEVER, None),
    ("local", ModelFailed("No JSON."), NEVER, None),
    ("local", LimitReached("Enough."), BARE, None),
    ("local", AuditUnavailable("Full."), BARE, None),
    ("encoder", CannotAnswer("No tools."), BARE, None),
    ("escalation", ModelUnavailable("No answer."), BARE, {"kept_home": "No answer"}),
    ("escalation", NotPermitted("The gate found a name."), BARE, {"kept_home": "The gate found a name"}),
    ("escalation", CannotAnswer("Neither."), AGREED, {"kept_home": "Neither"}),
    ("escalation", AuditUnavailable("Full."), AGREED, None),
    ("escalation", LimitReached("Enough."), AGREED, None),
]


@pytest.mark.parametrize(("target", "error", "permission", "then"), FAILURES)
def test_a_step_that_failed_goes_on_elsewhere_or_ends_the_question(
    target: Target, error: NavigatorError, permission: Permission, then: dict[str, str] | None
) -> None:
    entry, policy = RouteEntry(target=target, reason=""), RoutePolicy(targets=HOSTED)
    going = after_failure(Progress(), entry, error, policy, permission)
    assert going == (None if then is None else replace(Progress(), **then))  # type: ignore[arg-type]


def test_what_failed_here_before_it_was_escalated_ends_when_it_fails_here_again() -> None:
    home = Progress(trigger="the model here failed: No JSON", kept_home="No answer")
    entry = RouteEntry(target="local", reason="")
    assert after_failure(home, entry, ModelFailed("No JSON."), RoutePolicy(targets=HOSTED), BARE) is None


def test_of_the_rules_only_an_answer_that_is_whole_is_the_last_word() -> None:
    rules, model = RouteEntry(target="offline", reason=""), RouteEntry(target="local", reason="")
    assert goes_on(rules, "needs_review")
    assert not goes_on(rules, "answered")
    assert not goes_on(rules, "not_in_chart")
    assert not goes_on(model, "needs_review")
