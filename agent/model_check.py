"""The first day with real weights: questions with known answers through the whole loop, and what it took.

Nobody can be sure of a model that was never at hand, so the product asks it what it knows the answers to:
twenty questions about the sample charts, five about pictures drawn here.
"""

import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from statistics import median
from typing import Any, Protocol

from agent.app import open_navigator
from agent.config import Settings
from agent.errors import ModelFailed
from agent.messages import Answer, Image, Message, Model, ModelIdentity, OnText, Turn, silent
from agent.steps import validate

NOW = "2026-11-01"
"""The day on which the sample charts are asked about."""
PICTURES = ((1, "left"), (2, "right"), (3, "left"), (4, "right"), (5, "left"))
"""How many white discs each picture shows, and on which side of it."""
_SIDE = 896  # pixels: the size that Gemma's processor gives an image
_MARK = re.compile(r"\s*⟨unverified⟩")


class Figures(Protocol):
    """What a local model's step took (agent.models.local.generation)."""

    @property
    def prompt(self) -> int: ...
    @property
    def cached(self) -> int: ...
    @property
    def written(self) -> int: ...
    @property
    def thinking(self) -> int: ...
    @property
    def forced(self) -> int: ...
    @property
    def first_token(self) -> float: ...
    @property
    def tokens_per_second(self) -> float: ...
    @property
    def masks(self) -> float: ...
    @property
    def writing(self) -> float: ...


@dataclass(frozen=True)
class Asked:
    """A question with a known answer: of each list in `says` one wording stands in it, of `absent` none."""

    text: str
    patient: str | None = None
    status: tuple[str, ...] = ("answered", "needs_review")
    says: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = ()
    image: Image | None = None

    def fault(self, answer: Answer) -> str:
        """What is wrong with an answer; empty when nothing is."""
        if answer.status not in self.status:
            return f"status {answer.status}: {answer.answer}"
        said = _MARK.sub("", answer.answer).lower()
        for wordings in self.says:
            if not any(_says(said, one.lower()) for one in wordings):
                return f"does not say {' or '.join(wordings)}: {answer.answer}"
        return next((f"says {one}: {answer.answer}" for one in self.absent if _says(said, one)), "")


@dataclass
class Checked:
    """What came of the questions. `figures` are of each step, and empty for a model behind a server."""

    faults: list[tuple[Asked, str]] = field(default_factory=list)
    answers: list[tuple[Asked, Answer]] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)
    peak_bytes: int = 0
    thinking_tokens: int = 0
    steps: int = 0
    invalid: int = 0

    def of(self, *, images: bool) -> tuple[int, int]:
        """How many questions were answered right, and how many were asked: with images, or without."""
        asked = [one for one, _ in self.answers if bool(one.image) == images]
        wrong = [one for one, _ in self.faults if bool(one.image) == images]
        return len(asked) - len(wrong), len(asked)


async def check(
    settings: Settings, asked: Iterable[Asked], on_answer: Callable[[Asked, str], object] = lambda *_: None
) -> Checked:
    """Ask the settings' model, over the sample charts and with a journal that goes when it is done.

    `on_answer` is told of each question, and what was wrong with its answer. Raises what the model's opening
    raises.
    """
    checked = Checked(thinking_tokens=settings.thinking_tokens)
    with tempfile.TemporaryDirectory() as folder:
        given = {
            **settings.model_dump(exclude_unset=True),
            "models_dir": settings.models_dir or settings.data_dir / "models",
            "data_dir": folder,
            "fhir": "",
            "now": NOW,
            "escalation": "never",
            "escalation_workflows": {},
            "offline_first": False,
        }
        async with open_navigator(Settings(**given), on_generated=checked.figures.append) as navigator:
            counted = replace(navigator, model=Counted(navigator.model, checked))
            for one in asked:
                images = [one.image] if one.image else []
                answer = await counted.ask(one.text, patient=one.patient, images=images)
                checked.answers.append((one, answer))
                if why := one.fault(answer):
                    checked.faults.append((one, why))
                on_answer(one, why)
    return checked


class Counted:
    """A model whose steps are counted, and those that do not fit the schema."""

    def __init__(self, model: Model, checked: Checked) -> None:
        self._model = model
        self._checked = checked

    @property
    def identity(self) -> ModelIdentity:
        """The model's own."""
        return self._model.identity

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The model's step."""
        self._checked.steps += 1
        try:
            turn = await self._model.next_step(messages, schema, images, on_text)
        except ModelFailed:
            self._checked.invalid += 1
            raise
        try:
            validate(turn.step, schema)
        except ModelFailed:
            self._checked.invalid += 1
        return turn


def questions() -> list[Asked]:
    """The twenty about the sample charts."""
    text = (files("agent") / "model_check.toml").read_text(encoding="utf-8")
    return [
        Asked(
            one["text"],
            one["patient"],
            tuple(one["status"]),
            tuple(tuple(wordings) for wordings in one["says"]),
            tuple(one["absent"]),
        )
        for one in tomllib.loads(text)["question"]
    ]


def about_pictures(drawn: Callable[[int, int, str], bytes]) -> list[Asked]:
    """The five about pictures. `drawn` gives a PNG: of a side in pixels, so many discs, at that edge."""
    words = ("one", "two", "three", "four", "five")
    return [
        Asked(
            "What does this picture show? Say how many white discs there are, in digits, and whether they are"
            " in its left or its right half.",
            says=((str(count), words[count - 1]), (edge,)),
            image=Image(media_type="image/png", data=drawn(_SIDE, count, edge)),
        )
        for count, edge in PICTURES
    ]


def lines(checked: Checked) -> Iterable[tuple[str, str]]:
    """The table: what was measured, and the figure."""
    for what, images in (("chart questions right", False), ("image questions right", True)):
        right, asked = checked.of(images=images)
        yield what, f"{right} of {asked}"
    yield "steps that fitted the schema", f"{checked.steps - checked.invalid} of {checked.steps}"
    hops = [answer.hops for _, answer in checked.answers if answer.hops]
    yield "tool hops a question", f"median {median(hops):g}, most {max(hops)}" if hops else "none"
    if not (figures := checked.figures):
        yield "speed and memory", "none: the model is behind a server, or finished no step"
        return
    written = sum(one.written for one in figures)
    yield "thinking tokens a step", f"median {median(one.thinking for one in figures):g}"
    yield "tokens a second, written", f"median {median(one.tokens_per_second for one in figures):.1f}"
    yield (
        "seconds to the first token",
        (
            f"median {median(one.first_token for one in figures):.2f}, most"
            f" {max(one.first_token for one in figures):.2f}"
        ),
    )
    yield (
        "prompt tokens that needed no reading",
        _share(sum(one.cached for one in figures), sum(one.prompt for one in figures)),
    )
    yield "tokens that needed no forward pass", _share(sum(one.forced for one in figures), written)
    yield (
        "time for the grammar",
        _share(sum(one.masks for one in figures), sum(one.writing + one.first_token for one in figures)),
    )
    if checked.peak_bytes:
        yield "memory at its peak", f"{checked.peak_bytes / 2**30:.1f} GiB"


def advice(checked: Checked) -> Iterable[str]:
    """What to change where a figure is off."""
    right, asked = checked.of(images=False)
    seen, pictures = checked.of(images=True)
    figures = checked.figures
    if checked.invalid:
        yield (
            "Steps did not fit the schema: the ids of special tokens may differ from the tokenizer's (see"
            " tokenizer_config.json beside the weights), or the server ignores the schema."
        )
    if asked and right < 0.7 * asked:
        yield (
            "Few chart questions are right: compare chat_template.jinja beside the weights with Gemma's turns"
            " and, with local_bits 8, the wrong answers above: quantisation may be the cause."
        )
    if pictures and seen < 0.6 * pictures:
        yield (
            "Few image questions are right: preprocessor_config.json should give 896 x 896 and 256 tokens an"
            " image with pan-and-scan off; a text-only variant sees nothing."
        )
    thought = [one.thinking for one in figures]
    if figures and checked.thinking_tokens and median(thought) >= checked.thinking_tokens:
        yield "Thinking runs into its bound: raise thinking_tokens, or set it to 0 and compare."
    if figures and checked.thinking_tokens and not any(thought):
        yield "It never thinks: this checkpoint may know no <unused94>; set thinking_tokens to 0."
    if figures and median(one.tokens_per_second for one in figures) < 5:
        yield (
            "It writes slowly: part of it may lie in main memory (`ehr-navigator doctor` shows the GPU); take"
            " a smaller variant or fewer bits."
        )
    if figures and max(one.first_token for one in figures) > 20:
        yield "A first token takes long: lower local_context, or ask narrower questions."


def right_enough(checked: Checked) -> bool:
    """Whether nothing needs to change before somebody relies on it."""
    return not any(True for _ in advice(checked))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def _says(text: str, value: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)", text) is not None


def wrong(checked: Checked) -> Sequence[str]:
    """Each question that was answered wrong, and why."""
    return [f"{one.text}\n    {why}" for one, why in checked.faults]
