"""The hard cases of the sample charts: each asked in one call, and its answer held against the right one."""

import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from mcp import Client
from mcp.types import TextContent

NOBODY = "any"


@dataclass(frozen=True)
class HardCase:
    """One case: whom it is about (None: whoever is found), the call, and what is right (hard_cases.toml)."""

    case: str
    patient: str | None
    tool: str
    arguments: dict[str, Any]
    refs: list[str] | None
    ordered: bool
    holds: list[str]
    lacks: list[str]
    finding: str | None
    error: str | None

    @property
    def call(self) -> str:
        """The call as a model would write it."""
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    @property
    def right(self) -> str:
        """The right answer in a line."""
        said = [
            f"[{self.error}]" if self.error else None,
            self.finding,
            None if self.refs is None else ", ".join(self.refs) or "no row",
            *self.holds,
            *(f"not: {text}" for text in self.lacks),
        ]
        return "; ".join(part for part in said if part)


@dataclass(frozen=True)
class Outcome:
    """A case, what came (the text), and what is wrong with it; None where nothing is."""

    case: HardCase
    came: str
    wrong: str | None


def hard_cases() -> list[HardCase]:
    """Every case, by patient."""
    by_patient = tomllib.loads((files("evals") / "hard_cases.toml").read_text(encoding="utf-8"))
    return [_case(patient, raw) for patient, held in by_patient.items() for raw in held["cases"]]


def _case(patient: str, raw: dict[str, Any]) -> HardCase:
    refs = raw.get("refs")
    return HardCase(
        case=raw["case"],
        patient=None if patient == NOBODY else patient,
        tool=raw["tool"],
        arguments=raw["with"],
        refs=None if refs is None else [_whole(ref, patient) for ref in refs],
        ordered=raw.get("order") != "any",
        holds=raw.get("holds", []),
        lacks=raw.get("lacks", []),
        finding=raw.get("finding"),
        error=raw.get("error"),
    )


def _whole(ref: str, patient: str) -> str:
    kind, _, name = ref.partition("/")
    return ref[1:] if ref.startswith("=") else f"{kind}/{patient}-{name}"


async def outcomes(client: Client) -> AsyncIterator[Outcome]:
    """Each case asked of the chart tools behind `client` (a session for any patient)."""
    for case in hard_cases():
        given = {**case.arguments, **({"patient": case.patient} if case.patient else {})}
        result = await client.call_tool(case.tool, given)
        text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
        data = None if result.is_error else result.structured_content
        yield Outcome(case, text, _wrong(case, text, data))


def _wrong(case: HardCase, text: str, data: dict[str, Any] | None) -> str | None:
    if case.error is not None:
        if f"[{case.error}]" not in text:
            return f"no {case.error}"
    elif data is None:
        return "an error"
    else:
        refs = [row.get("ref") for row in data["rows"]]
        if case.refs is not None and (refs if case.ordered else sorted(map(str, refs))) != (
            case.refs if case.ordered else sorted(case.refs)
        ):
            return f"other rows: {', '.join(map(str, refs)) or 'none'}"
        if case.finding is not None and data["finding"] != case.finding:
            return f"finding {data['finding']}"
    missing = [part for part in case.holds if part not in text]
    wrongly = [part for part in case.lacks if part in text]
    faults = [f"does not say {part!r}" for part in missing] + [f"says {part!r}" for part in wrongly]
    return "; ".join(faults) or None
