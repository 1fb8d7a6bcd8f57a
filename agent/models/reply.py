"""Read one step out of a model's reply, or say exactly why there is none."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from agent.messages import Step, Usage

_THINKING = re.compile(r"<unused94>.*?<unused95>|<think>.*?</think>", re.DOTALL)
_CLOSING = ("<unused95>", "</think>")
_OPENING = ("<unused94>", "<think>")
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_LOOP = re.compile(r"(.{1,80}?)\1{7,}\Z", re.DOTALL)
_TAIL = 800


class NoStep(Exception):
    """The reply is no valid step.

    `str()` is for a person and holds no text of the reply, which may quote the chart; `correction` is for
    the model. Whoever asked for the reply adds it, and the tokens spent.
    """

    reply: str = ""
    spent: Usage = Usage()

    def __init__(self, why: str, correction: str = "") -> None:
        super().__init__(why)
        self.correction = correction or why


def read_step(reply: str, schema: dict[str, Any], truncated: bool) -> Step:
    """The step in a reply. `truncated`: the server stopped it at its token limit. Raises NoStep."""
    if truncated:
        if _LOOP.search(reply[-_TAIL:]):
            raise NoStep("it repeated itself until the token limit")
        raise NoStep("it was cut off at the token limit", "it was cut off: be much shorter")
    text = without_thinking(reply)
    fenced = _FENCE.match(text)
    try:
        document = json.loads(fenced[1] if fenced else text)
        json.dumps(document, ensure_ascii=False).encode()  # half a character could not be saved or sent
    except (ValueError, RecursionError):
        if not text:
            raise NoStep("it was empty") from None
        raise NoStep("it was not one JSON object", "it was not one JSON object and nothing else") from None
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    if error is not None:
        error = _within_branch(error)
        where = error.json_path.removeprefix("$").removeprefix(".") or "the object"
        raise NoStep(
            f"it did not fit the step schema ({error.validator} at {where})",
            f"it did not fit the schema at {where}: {error.message[:300]}",
        )
    return Step.model_validate(document)


def without_thinking(reply: str) -> str:
    """The reply after its thinking. Raises NoStep when a thinking block never closes."""
    text = _THINKING.sub("", reply)
    for closing in _CLOSING:  # a template may open the block in the prompt, where we do not see it
        text = text.rpartition(closing)[2]
    if any(opening in text for opening in _OPENING):
        raise NoStep("its thinking never ended", "the thinking never ended: answer without thinking")
    return text.strip()


def _within_branch(error: ValidationError) -> ValidationError:
    """Of an `anyOf` over tools, the error within the branch of the tool that was named."""
    while error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [errors for errors in branches.values() if all(e.validator != "const" for e in errors)]
        if len(meant) != 1:
            return error
        error = best_match(meant[0]) or error
    return error
