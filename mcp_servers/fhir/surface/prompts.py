"""Prompts: the texts in texts/, with what the person gives filled in."""

from functools import partial
from importlib.resources import files
from string import Template

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

_PATIENT = PromptArgument(
    name="patient", description="Patient/id or the id, as find_patient gives it", required=True
)
_SINCE = PromptArgument(name="since", description="ISO date, full or partial, such as 2026-05")
_PROMPTS: tuple[tuple[str, str, str, list[PromptArgument]], ...] = (
    (
        "chart_review",
        "Chart review",
        "Who the patient is, problem by problem, with what is missing or contradictory",
        [PromptArgument(name="focus", description="What the review is for, such as an operation")],
    ),
    (
        "medication_reconciliation",
        "Medication reconciliation",
        "What is ordered, stated, administered and dispensed, against what is reported",
        [PromptArgument(name="reported", description="What the patient reports to take")],
    ),
    (
        "pre_visit_summary",
        "Pre-visit summary",
        "One page for the visit that is about to begin: what is new, what is open",
        [PromptArgument(name="reason", description="Why the patient comes"), _SINCE],
    ),
    (
        "result_follow_up",
        "Result follow-up",
        "One result: its course, and what the chart says was done about it",
        [
            PromptArgument(name="name", description="Measurement, by everyday name or code", required=True),
            _SINCE,
        ],
    ),
)


def prompts(bound: str | None) -> list[Prompt]:
    """The prompts of a server that is bound to a patient (`Patient/id`), or that takes one with each."""
    return [
        Prompt(
            name=name,
            title=title,
            description=description,
            arguments=arguments if bound else [_PATIENT, *arguments],
            fn=partial(_of_patient, name, bound),
            context_kwarg=None,
        )
        for name, title, description, arguments in _PROMPTS
    ]


def instructions(bound: str | None) -> str:
    """What a server says of itself to a client's model."""
    binding = (
        f"This session is bound to {bound}: every tool is about that patient, and none takes a patient."
        if bound
        else "Find the patient first with find_patient, and give its `ref` as `patient` to every other tool."
        " Never pick one of several patients: ask which is meant."
    )
    return _filled("instructions", {"binding": binding})


async def _of_patient(prompt: str, bound: str | None, /, patient: str = "", **given: str) -> str:
    whom = "this session's patient" if bound else patient
    return _filled(prompt, {"whom": whom, **given})


def _filled(name: str, values: dict[str, str]) -> str:
    """The text `name`, without the lines for which there is no value."""
    text = files(__package__).joinpath(f"texts/{name}.txt").read_text(encoding="utf-8")
    lines = [Template(line) for line in text.strip().splitlines()]
    return "\n".join(line.substitute(values) for line in lines if values.keys() >= {*line.get_identifiers()})
