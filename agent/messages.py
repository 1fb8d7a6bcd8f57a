"""What passes between the person, the loop, the models and the tools."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["answered", "not_in_chart", "needs_review", "refused", "failed"]
Target = Literal["offline", "local", "text", "image", "encoder", "escalation"]
"""Who takes a step: the rules, the clinic's planner (`local`, for records and mixed questions), its models
for text and for images where it has them, the image encoder, or the hosted model of an escalation."""
OnText = Callable[[str], object]
"""Takes the pieces of an answer's text, in order, while the model writes it."""
Verdict = Literal["supported", "contradicted", "unsupported", "not_checkable"]
ClaimKind = Literal[
    "number", "dose", "date", "time", "name", "patient", "status", "negation", "count", "comparison",
    "direction", "duration", "rank", "citation", "quote", "judgement",
]  # fmt: skip


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(_Frozen):
    """One tool call as the model asks for it. The answer is an action too (tool `answer`)."""

    tool: str
    arguments: dict[str, Any] = {}


class Step(_Frozen):
    """One model turn: a short thought and one to four actions."""

    thought: str = ""
    actions: tuple[Action, ...]


class ToolResult(_Frozen):
    """What one action brought back.

    `text` is the compact rendering for a language model; `data` the result envelope as a dict
    (mcp_servers.fhir.envelope.ResultEnvelope) or None after an error. `error` is one of the kinds in
    mcp_servers.fhir.errors (`not_permitted`, `not_found`, `invalid_request`, `server_failed`,
    `audit_unavailable`, ...), None when the call succeeded.
    """

    tool: str
    arguments: dict[str, Any]
    text: str
    data: dict[str, Any] | None = None
    error: str | None = None
    ms: float = 0.0

    @property
    def message(self) -> str:
        """The text without the error's kind: what a person is told."""
        return self.text.removeprefix(f"[{self.error}] ")

    @property
    def refs(self) -> list[str]:
        """Every `Type/id` that the rows of this result came from, in order, once each."""
        found: dict[str, None] = {}
        for row in (self.data or {}).get("rows", []):
            for ref in [row.get("ref"), *row.get("refs", [])]:
                if ref:
                    found[ref] = None
        return list(found)


class SystemMessage(_Frozen):
    """The instructions, the patient and today's date: what the host knows."""

    role: Literal["system"] = "system"
    text: str
    patient: str | None = None
    now: str


class QuestionMessage(_Frozen):
    """What the person asked."""

    role: Literal["question"] = "question"
    text: str


class StepMessage(_Frozen):
    """A step that the model took."""

    role: Literal["step"] = "step"
    step: Step


class ResultsMessage(_Frozen):
    """What the step's actions brought back, in their order."""

    role: Literal["results"] = "results"
    results: tuple[ToolResult, ...]


class NoticeMessage(_Frozen):
    """A word from the host to the model, such as why its last step was not accepted."""

    role: Literal["notice"] = "notice"
    text: str


Message = Annotated[
    SystemMessage | QuestionMessage | StepMessage | ResultsMessage | NoticeMessage,
    Field(discriminator="role"),
]


class Image(_Frozen):
    """An image that goes with the question (bytes, and their media type)."""

    media_type: str
    data: bytes


class Usage(_Frozen):
    """Tokens in and out of one model turn, and what it cost (US dollars; 0 for a local model).

    `cached` of the prompt's tokens needed no prefill.
    """

    prompt: int = 0
    completion: int = 0
    cost: float = 0.0
    cached: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """The sum of two."""
        return Usage(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cost=self.cost + other.cost,
            cached=self.cached + other.cached,
        )


class ModelIdentity(_Frozen):
    """Which model answered, exactly; `digest` is of its weights, where they are at hand."""

    name: str
    revision: str = ""
    quantisation: str = ""
    digest: str = ""


class Turn(_Frozen):
    """A model's step, and what it took; `note` says of it what belongs on the route."""

    step: Step
    usage: Usage = Usage()
    note: str = ""


def silent(_: str) -> None:
    """For those who do not want an answer's text before it is checked."""


class Model(Protocol):
    """Anything that can take the next step."""

    @property
    def identity(self) -> ModelIdentity: ...

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next step, fit for `schema` (agent.steps). Raises CannotAnswer or ModelFailed.

        A model that streams hands the text of an answer to `on_text` while it writes it.
        """
        ...


class Citation(_Frozen):
    """A record that the answer rests on: its `Type/id`, and how a person would name it."""

    ref: str
    label: str = ""

    @classmethod
    def labelled(cls, refs: Iterable[str], results: Iterable[ToolResult]) -> "tuple[Citation, ...]":
        """Citations with the name and date of the row that each came from."""
        rows = {
            ref: row
            for result in results
            for row in (result.data or {}).get("rows", [])
            for ref in [row.get("ref"), *row.get("refs", [])]
            if ref
        }
        return tuple(
            cls(
                ref=ref, label=" ".join(str(rows[ref][key]) for key in ("name", "date") if rows[ref].get(key))
            )
            for ref in refs
        )


class Claim(_Frozen):
    """One thing that an answer says: its words and their place in the answer, the records it was held
    against, what they say of it, and why where they do not support it."""

    text: str
    kind: ClaimKind
    start: int
    end: int
    refs: tuple[str, ...] = ()
    verdict: Verdict
    why: str = ""


class Grounding(_Frozen):
    """The claims of an answer, each held against the evidence.

    `checked` counts them; `unsupported` are the words of those that are contradicted or unsupported.
    """

    checked: int = 0
    unsupported: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


class RouteEntry(_Frozen):
    """Which model took a step, and why."""

    target: Target
    reason: str


class ToolCall(_Frozen):
    """One tool call as the answer reports it."""

    tool: str
    arguments: dict[str, Any]
    refs: tuple[str, ...]
    ms: float
    error: str | None = None

    @classmethod
    def of(cls, result: ToolResult) -> "ToolCall":
        """What the answer tells of a result."""
        return cls(
            tool=result.tool,
            arguments=result.arguments,
            refs=tuple(result.refs),
            ms=result.ms,
            error=result.error,
        )


class AuditTrail(_Frozen):
    """Where the trail of this answer lies."""

    session: str
    events: int


class SecondOpinion(_Frozen):
    """What the offline planner answered to the same question, and what of the two answers differs.

    `agrees` is None where it has no answer, or there is none to compare it with.
    """

    model: ModelIdentity
    status: Status
    answer: str
    citations: tuple[Citation, ...] = ()
    agrees: bool | None = None
    differences: tuple[str, ...] = ()


class Answer(_Frozen):
    """What `ask --json` prints: the whole contract with those who call us."""

    answer: str
    status: Status
    citations: tuple[Citation, ...] = ()
    model: ModelIdentity
    route: tuple[RouteEntry, ...] = ()
    hops: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    grounding: Grounding = Grounding()
    second_opinion: SecondOpinion | None = None
    tokens: Usage = Usage()
    cost: float = 0.0
    audit: AuditTrail
    disclaimer: str
