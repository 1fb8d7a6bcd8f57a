from hypothesis import given
from hypothesis import strategies as st

from agent.router import RoutePolicy, route, would_have_escalated


@given(hops=st.integers(0, 60), after=st.integers(1, 50))
def test_up_to_the_limit_every_step_stays_local(hops: int, after: int) -> None:
    entry = route(hops, RoutePolicy(escalate_after=after, escalation_allowed=True))
    assert (entry.target == "escalation") == (hops > after)


@given(hops=st.integers(0, 60), after=st.integers(1, 50))
def test_nothing_escalates_where_policy_allows_no_hosted_model(hops: int, after: int) -> None:
    policy = RoutePolicy(escalate_after=after, escalation_allowed=False)
    assert route(hops, policy).target == "local"
    assert would_have_escalated(hops, policy) == (hops > after)


def test_the_reason_says_what_kept_a_long_run_local() -> None:
    assert "policy allows no hosted model" in route(6, RoutePolicy(escalate_after=5)).reason
