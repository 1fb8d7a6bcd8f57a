"""A model that plays a fixed list of steps: a stand-in for tests, and it says so in its name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.errors import CannotAnswer, ModelFailed, UsageError
from agent.messages import Image, Message, ModelIdentity, OnText, Step, Turn, silent


class ScriptedModel:
    """Takes the given steps in order, and raises those that are exceptions.

    `seen` holds the messages of every turn, so that a test can assert on what the model was told. Steps
    are not validated against the schema: a test may script one that does not fit.
    """

    def __init__(self, steps: Sequence[Step | Exception], name: str = "scripted") -> None:
        self._steps = list(steps)
        self._name = name
        self.seen: list[list[Message]] = []

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(name=self._name)

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        """The next scripted step. Raises what the script says, or ModelFailed when it is played out."""
        turn = len(self.seen)
        self.seen.append(list(messages))
        if turn >= len(self._steps):
            raise ModelFailed(
                f"The script of {self._name!r} has {len(self._steps)} steps, and turn {turn + 1} was asked "
                "for. Add a step, or end the script with an `answer` action."
            )
        step = self._steps[turn]
        if isinstance(step, Exception):
            raise step
        return Turn(step=step)


def load_script(path: Path) -> ScriptedModel:
    """A scripted model from a JSON file: a list of steps (agent.messages.Step) as objects.

    `{"cannot_answer": "why"}` and `{"model_failed": "why"}` in place of a step raise CannotAnswer and
    ModelFailed. Raises UsageError when the file cannot be read or an entry is no step.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The script {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"The script {path} is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise UsageError(f"The script {path.name!r} must be a JSON list of steps.")
    return ScriptedModel([_entry(path, n, entry) for n, entry in enumerate(entries, 1)], "scripted")


def _entry(path: Path, number: int, entry: Any) -> Step | Exception:
    match entry:
        case {"cannot_answer": str(why), **rest} if not rest:
            return CannotAnswer(why)
        case {"model_failed": str(why), **rest} if not rest:
            return ModelFailed(why)
    try:
        return Step.model_validate(entry)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in e["loc"]) or "the entry" for e in error.errors())
        raise UsageError(
            f"Entry {number} of the script {path.name!r} is no step (see {fields}). A step is "
            '{"thought": "...", "actions": [{"tool": "...", "arguments": {}}]}.'
        ) from error
