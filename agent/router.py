"""Which model takes the next step, and why: pure functions of the run so far.

By workload: labels and retrieval of images belong to the image encoder, words about an image to the model for
images, questions about no chart to the model for text, records and whatever mixes them to the planner. Where
one is missing the next takes over. Past a limit, or where the planner is out of its depth, a question goes on
to the hosted model, if policy lets it, and stays there until it is answered.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from agent.egress.policy import Permission
from agent.errors import (
    AuditUnavailable,
    CannotAnswer,
    LimitReached,
    ModelFailed,
    ModelUnavailable,
    NavigatorError,
)
from agent.messages import RouteEntry, Target

Workload = Literal["image labels", "image description", "text", "records"]

# What is said where the rules answered no more than a part of a question.
IN_PART = "That answer is one of rules, and tells of a part only: answer the whole question from the chart."
FAILED_TWICE = "the answer failed its check against the records twice"
NO_ENCODER = (
    "Labelling images and finding similar ones is work for an image encoder, for which there are no tools"
    " here yet. Ask what an image shows, or ask about the chart."
)
_CHAINS: dict[Workload, tuple[Target, ...]] = {
    "image labels": ("encoder",),
    "image description": ("image", "local"),
    "text": ("text", "local"),
    "records": ("local",),
}
_LABELS = re.compile(
    r"\b(classify|classification|categori[sz]e|label (this|these|the|each|all)"
    r"|similar (images?|pictures?|cases?|slides?)|look-?alikes?|nearest (images?|cases?)"
    r"|retrieve (similar|images?|pictures?|cases?)|rank these)\b",
    re.IGNORECASE,
)
_DESCRIPTION = re.compile(
    r"\b(describe|caption|what (do|does|can|is|are)\b.{0,40}\b(image|x-?ray|scan|picture|photo|film|slide)"
    r"|findings|impression|report (on )?(this|the) (image|x-?ray|scan|film|slide)|explain (this|the) "
    r"(image|x-?ray|scan|film|slide|picture))",
    re.IGNORECASE,
)
_CHART = re.compile(
    r"\b(previous|prior|earlier|last|latest|histor|chart|record|medic|drug|lab|result|allerg|diagnos|compare"
    r"|chang|since|trend|note|and (her|his|their|the) )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RoutePolicy:
    """Which targets there are besides the planner, and when a question is beyond them.

    More than `escalate_after` tool hops, or more than `context` tokens, belong to the hosted model. With
    `offline_first` the rules are tried before any model, which takes what they hand over.
    """

    escalate_after: int = 5
    context: int = 32_768
    offline_first: bool = False
    targets: frozenset[Target] = frozenset({"local"})


@dataclass(frozen=True)
class Progress:
    """How far a question has come.

    `tokens` is what its next step has to read, as the last one tells. `handed_over` is why the rules did not
    answer, `trigger` why the models here are out of their depth, and `kept_home` why the hosted model did not
    take over in spite of that: empty as long as nothing of the kind has happened.
    """

    workload: Workload = "records"
    hops: int = 0
    tokens: int = 0
    handed_over: str = ""
    trigger: str = ""
    kept_home: str = ""


def workload(question: str, images: int, has_patient: bool) -> Workload:
    """What kind of work a question is, by its words and what comes with it."""
    if images and _LABELS.search(question) and not _CHART.search(question):
        return "image labels"
    if images and _DESCRIPTION.search(question) and not _CHART.search(question):
        return "image description"
    return "records" if images or has_patient else "text"


def route(progress: Progress, policy: RoutePolicy, permission: Permission) -> RouteEntry:
    """The model for the next step, and why. `permission`: in which form the session may leave."""
    if policy.offline_first and not progress.handed_over and not beyond(progress, policy):
        return RouteEntry(target="offline", reason="rules before any model")
    if why := beyond(progress, policy):
        home = stays(progress, policy, permission)
        if not home:
            return RouteEntry(target="escalation", reason=f"{why}; {permission.why}")
        why = f"{why}, but {home}"
    target, missing = _here(progress.workload, policy)
    used = f"{progress.hops} of {policy.escalate_after} local tool hops used"
    handed = progress.handed_over.partition(". ")[0].rstrip(".")
    reasons = [why or used, missing, f"handed over by the rules: {handed}" if handed else ""]
    return RouteEntry(target=target, reason="; ".join(filter(None, reasons)))


def beyond(progress: Progress, policy: RoutePolicy) -> str:
    """Why the question is beyond the models here; empty while it is not."""
    if progress.trigger:
        return progress.trigger
    if progress.hops > policy.escalate_after:
        return f"more than {policy.escalate_after} tool hops"
    if progress.tokens > policy.context:
        return f"more than {policy.context} tokens of context"
    return ""


def stays(progress: Progress, policy: RoutePolicy, permission: Permission) -> str:
    """Why a question stays here that is beyond the models here; empty where it may go on."""
    if progress.kept_home:
        return progress.kept_home
    if permission.form == "never":
        return f"{permission.why}: nothing leaves"
    return "" if "escalation" in policy.targets else "no hosted model is configured"


def after_failure(
    progress: Progress, entry: RouteEntry, error: NavigatorError, policy: RoutePolicy, permission: Permission
) -> Progress | None:
    """How a question goes on after a step that failed; None where that is its end.

    What the rules refuse goes on to a model, what a model here cannot do to the hosted one, and what the
    hosted one does not do comes home: an unreachable host ends no session.
    """
    why = str(error)
    if entry.target == "escalation":
        ends = isinstance(error, AuditUnavailable | LimitReached)
        return None if ends else replace(progress, kept_home=_sentence(why))
    if entry.target == "offline":
        return replace(progress, handed_over=why) if isinstance(error, CannotAnswer) else None
    outage = isinstance(error, ModelUnavailable)  # a stopped server is no reason for charts to leave
    if entry.target == "encoder" or outage or not isinstance(error, CannotAnswer | ModelFailed):
        return None
    if progress.trigger:
        return None
    reason = (
        "the model here says that it cannot" if isinstance(error, CannotAnswer) else "the model here failed"
    )
    going = replace(progress, trigger=f"{reason}: {_sentence(why)}")
    return None if stays(going, policy, permission) else going


def goes_on(entry: RouteEntry, status: str) -> bool:
    """Whether an answer of that status goes on to a model: of the rules, one that is not whole."""
    return entry.target == "offline" and status == "needs_review"


def held_back(progress: Progress, policy: RoutePolicy, permission: Permission) -> str:
    """What is said of an answer from here that the hosted model would have given; else nothing."""
    why = beyond(progress, policy)
    home = stays(progress, policy, permission) if why else ""
    return f"\n\nA hosted model would have taken over ({why}), but did not: {home}." if home else ""


def _here(kind: Workload, policy: RoutePolicy) -> tuple[Target, str]:
    """The first model for that work that is there, and what is missing before it."""
    chain = _CHAINS[kind]
    for target in chain:
        if target in policy.targets:
            first = chain[0]
            return target, f"no model for {kind}, the planner takes it" if target != first else ""
    return chain[0], ""


def _sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")
