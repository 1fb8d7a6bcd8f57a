"""May what a session holds go to a hosted model, and in which form? Decided by workflow and class of data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from agent.config import DataClass, Form, Workflow
from agent.messages import Message, ResultsMessage

FORMS: tuple[Form, ...] = get_args(Form)
"""From the strictest to the most open."""
_NOTES = frozenset({"DocumentReference", "Composition", "DiagnosticReport", "ClinicalImpression"})


@dataclass(frozen=True)
class Vendor:
    """The hosted endpoint, and the agreement that covers it, as the clinic named them."""

    model: str
    url: str
    agreement: str = ""
    retention: str = ""
    region: str = ""


@dataclass(frozen=True)
class EgressPolicy:
    """What the clinic allows. A workflow's own form stands in place of the general one; a class of data may
    only be stricter than its workflow. Images stay, unless they are named.
    """

    form: Form = "never"
    workflows: Mapping[Workflow, Form] = field(default_factory=dict)
    classes: Mapping[DataClass, Form] = field(default_factory=dict)

    def of(self, workflow: Workflow) -> Form:
        """The form for a workflow, before its classes of data are looked at."""
        return self.workflows.get(workflow, self.form)


@dataclass(frozen=True)
class Permission:
    """The form in which a session may leave, and what decided it."""

    form: Form
    why: str


def permission(policy: EgressPolicy, workflow: Workflow, classes: Iterable[DataClass]) -> Permission:
    """The strictest form of the workflow and of every class that the session holds.

    Images cannot be freed of what identifies (burned-in text, a face): they leave under an agreement only,
    and with them the session.
    """
    form = policy.of(workflow)
    found = Permission(form, f"policy for {workflow} is {form}")
    for one in classes:
        allowed = policy.classes.get(one, "never" if one == "images" else form)
        if FORMS.index(allowed) < FORMS.index(found.form):
            found = Permission(allowed, f"policy for {one} is {allowed}")
        if one == "images" and found.form == "deidentified":
            return Permission("never", "images cannot be de-identified, and leave under an agreement only")
    return found


def classes_of(messages: Iterable[Message], images: int) -> tuple[DataClass, ...]:
    """The classes of data that a conversation holds, with so many images; the question itself is one."""
    classes: dict[DataClass, None] = {"question": None}
    for message in messages:
        for result in message.results if isinstance(message, ResultsMessage) else ():
            classes["records"] = None
            if result.tool == "search_notes" or any(ref.partition("/")[0] in _NOTES for ref in result.refs):
                classes["notes"] = None
    if images:
        classes["images"] = None
    return tuple(classes)
