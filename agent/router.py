"""Which model takes the next step, and why: a pure function of the run so far."""

from dataclasses import dataclass

from agent.messages import RouteEntry


@dataclass(frozen=True)
class RoutePolicy:
    """More than `escalate_after` tool hops belong to the escalation target, where policy allows one."""

    escalate_after: int = 5
    escalation_allowed: bool = False


def route(hops: int, policy: RoutePolicy) -> RouteEntry:
    """The model for the next step, after `hops` steps that called tools."""
    if hops <= policy.escalate_after:
        return RouteEntry(target="local", reason=f"{hops} of {policy.escalate_after} local tool hops used")
    if policy.escalation_allowed:
        return RouteEntry(target="escalation", reason=f"more than {policy.escalate_after} tool hops")
    return RouteEntry(
        target="local",
        reason=f"{hops} tool hops, over {policy.escalate_after}: policy allows no hosted model",
    )


def would_have_escalated(hops: int, policy: RoutePolicy) -> bool:
    """Whether a run of `hops` tool hops stayed local only because policy allows no escalation."""
    return hops > policy.escalate_after and not policy.escalation_allowed
