"""What a person reads in a terminal: progress, answers, tables."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from agent.messages import Answer, Grounding, Status, ToolResult


class Delivery(Protocol):
    """What of the AuditEvents did not arrive (mcp_servers.audit.delivery.outbox)."""

    @property
    def pending(self) -> int: ...

    @property
    def refused(self) -> int: ...

    @property
    def problem(self) -> str | None: ...


EXIT: Mapping[Status, int] = {"answered": 0, "not_in_chart": 0, "failed": 1, "refused": 3, "needs_review": 3}
_HEADLINE: Mapping[Status, str] = {
    "answered": "",
    "not_in_chart": "Not in this chart",
    "needs_review": "Needs review: what is marked ⟨unverified⟩ does not stand in the records read",
    "refused": "Not answered",
    "failed": "Failed",
}
# Text from a chart must not move the cursor, recolour or retitle the terminal of the person who reads it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without control characters, safe to print on a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


class Progress:
    """Prints each thing as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step = 0

    def preparing(self) -> None:
        """Why the first run takes longer."""
        self._say("Indexing the sample charts; this happens once and takes some seconds.")

    def patient(self, patient: Mapping[str, Any]) -> None:
        """Whose chart it is, from the FHIR Patient."""
        names = patient.get("name") or [{}]
        written = " ".join([*names[0].get("given", []), names[0].get("family", "")]) or names[0].get(
            "text", ""
        )
        about = [written, patient.get("birthDate"), patient.get("gender"), f"Patient/{patient['id']}"]
        self._say("Chart of " + ", ".join(part for part in about if part))

    def result(self, result: ToolResult) -> None:
        """One tool call: what it looked for, what came back, how long it took."""
        self._step += 1
        sought = ", ".join(f"{key}={value}" for key, value in result.arguments.items())
        if result.error:
            outcome = result.error
        else:
            data = result.data or {}
            total = data.get("total")
            outcome = f"{data.get('returned', 0)} of {total} rows" if total is not None else "some rows"
        self._say(f"  {self._step}. {result.tool}({sought})  {outcome}  {result.ms:.0f} ms")

    def loaded(self, done: int, total: int) -> None:
        """How many sample records a server has taken."""
        self._say(f"  {done} of {total} records")

    def undelivered(self, delivery: Delivery | None) -> None:
        """AuditEvents that did not arrive: what waits, what was refused, and why."""
        if delivery and delivery.pending:
            why = f" ({delivery.problem})" if delivery.problem else ""
            self._say(f"{delivery.pending} audit events wait in the journal{why}; the next run tries again.")
        if delivery and delivery.refused:
            self._say(
                f"The FHIR store refused {delivery.refused} audit events;"
                " `ehr-navigator audit list --undelivered` says why."
            )

    def _say(self, text: str) -> None:
        print(plain(text), file=self._stream, flush=True)


def answer(given: Answer, journal: Path, *, brief: bool = False) -> str:
    """An answer with its citations, who planned it, where its trail lies, and the disclaimer."""
    lines = [_HEADLINE[given.status], given.answer] if _HEADLINE[given.status] else [given.answer]
    lines += [f"  [{citation.ref}] {citation.label}".rstrip() for citation in given.citations]
    lines += _failed(given.grounding)
    lines += _opinion(given, brief=brief)
    if not brief:
        who = " ".join(
            part for part in (given.model.name, given.model.revision, given.model.quantisation) if part
        )
        lines += [
            f"Planned by: {who}; {_many(given.hops, 'tool hop')};"
            f" {_many(given.grounding.checked, 'claim')} checked{_counts(given.grounding)}",
            f"Trail: session {given.audit.session}, {_many(given.audit.events, 'audit event')}, in {journal}",
            given.disclaimer,
        ]
    return plain("\n".join(lines))


def _failed(grounding: Grounding) -> list[str]:
    """Each claim that does not stand, and why."""
    failed = [claim for claim in grounding.claims if claim.verdict in ("contradicted", "unsupported")]
    return [f'  {claim.verdict}: {claim.kind} "{claim.text}": {claim.why}' for claim in failed]


def _counts(grounding: Grounding) -> str:
    """How many claims are of each verdict; nothing where all are supported."""
    found = Counter(claim.verdict for claim in grounding.claims)
    if set(found) <= {"supported"}:
        return ""
    told = ", ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in found.most_common())
    return f" ({told})"


def _opinion(given: Answer, *, brief: bool) -> list[str]:
    """What the second opinion differs in, always; that it agrees, or that there is none, unless `brief`."""
    second = given.second_opinion
    if second is None or (brief and second.agrees is not False):
        return []
    if second.agrees is None:
        return [f"No second opinion ({second.model.name}): {second.answer}"]
    if second.agrees:
        return [f"Second opinion ({second.model.name}): agrees"]
    differs = "; ".join(second.differences)
    return [f"SECOND OPINION DIFFERS ({second.model.name}) in {differs}. It answers: {second.answer}"]


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows in aligned columns under their names."""
    cells = [list(columns), *[[str(row.get(column, "")) for column in columns] for row in rows]]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return plain(
        "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in cells
        )
    )
