"""Which model takes the next step, and why: a pure function of the run so far."""

from dataclasses import dataclass

from agent.messages import RouteEntry

# What is said where the rules answered no more than a part of a question.
IN_PART = "That answer is one of rules, and tells of a part only: answer the whole question from the chart."


@dataclass(frozen=True)
class RoutePolicy:
    """More than `escalate_after` tool hops belong to the escalation target, where policy allows one.

    With `offline_first` the rules are tried before any model, which takes what they hand over.
    """

    escalate_after: int = 5
    escalation_allowed: bool = False
    offline_first: bool = False


def route(hops: int, policy: RoutePolicy, handed_over: str = "") -> RouteEntry:
    """The model for the next step, after `hops` steps that called tools.

    `handed_over` is why the rules did not answer, empty as long as they may.
    """
    if policy.offline_first and not handed_over:
        return RouteEntry(target="offline", reason="rules before any model")
    why = f"; handed over by the rules: {handed_over.partition('. ')[0].rstrip('.')}" if handed_over else ""
    if hops <= policy.escalate_after:
        return RouteEntry(
            target="local", reason=f"{hops} of {policy.escalate_after} local tool hops used{why}"
        )
    if policy.escalation_allowed:
        return RouteEntry(target="escalation", reason=f"more than {policy.escalate_after} tool hops{why}")
    return RouteEntry(
        target="local",
        reason=f"{hops} tool hops, over {policy.escalate_after}: policy allows no hosted model{why}",
    )


def goes_on(entry: RouteEntry, status: str) -> bool:
    """Whether an answer of that status goes on to a model: of the rules, one that is not whole."""
    return entry.target == "offline" and status == "needs_review"


def held_back(hops: int, policy: RoutePolicy) -> str:
    """What is said of a run that stayed local only because policy allows no escalation; else nothing."""
    if hops <= policy.escalate_after or policy.escalation_allowed:
        return ""
    return (
        f"\n\nThis took {hops} tool hops. Past {policy.escalate_after} a hosted model "
        "would have taken over, but policy allows none."
    )
