from hypothesis import given
from hypothesis import strategies as st

from agent.router import RoutePolicy, goes_on, held_back, route


@given(hops=st.integers(0, 60), after=st.integers(1, 50))
def test_up_to_the_limit_every_step_stays_local(hops: int, after: int) -> None:
    entry = route(hops, RoutePolicy(escalate_after=after, escalation_allowed=True))
    assert (entry.target == "escalation") == (hops > after)


@given(hops=st.integers(0, 60), after=st.integers(1, 50))
def test_nothing_escalates_where_policy_allows_no_hosted_model(hops: int, after: int) -> None:
    policy = RoutePolicy(escalate_after=after, escalation_allowed=False)
    assert route(hops, policy).target == "local"
    assert bool(held_back(hops, policy)) == (hops > after)


def test_the_reason_says_what_kept_a_long_run_local() -> None:
    assert "policy allows no hosted model" in route(6, RoutePolicy(escalate_after=5)).reason


@given(hops=st.integers(0, 60), refused=st.text(max_size=40))
def test_the_rules_come_first_where_policy_says_so_until_they_hand_over(hops: int, refused: str) -> None:
    policy = RoutePolicy(offline_first=True)
    assert (route(hops, policy, refused).target == "offline") == (not refused)
    assert route(hops, RoutePolicy(), refused).target == "local"


def test_the_reason_of_a_hand_over_is_on_the_route() -> None:
    entry = route(
        0, RoutePolicy(offline_first=True), "I could not read 'plan'. I answer look-ups such as ..."
    )
    assert entry.target == "local"
    assert entry.reason.endswith("handed over by the rules: I could not read 'plan'")


def test_of_the_rules_only_an_answer_that_is_whole_is_the_last_word() -> None:
    rules, model = route(0, RoutePolicy(offline_first=True)), route(0, RoutePolicy())
    assert goes_on(rules, "needs_review")
    assert not goes_on(rules, "answered")
    assert not goes_on(rules, "not_in_chart")
    assert not goes_on(model, "needs_review")
