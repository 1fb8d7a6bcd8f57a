"""The conversation as strictly alternating user and assistant turns, for chat templates like Gemma's.

Gemma's template has no system role and no tool role, and refuses two turns of one role in a row: the
system text stands in front of the first user turn, and results and notices are user turns.
"""

import base64
import hashlib
import json
import re
from typing import Any

from agent.messages import (
    Image,
    Message,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    StepMessage,
    SystemMessage,
    ToolResult,
)

# A server tokenises the rendered prompt whole: chart text that spells a control token would become one.
_CONTROL = re.compile(
    r"<(?=/?(?:start_of_turn|end_of_turn|unused\d+|bos|eos|pad|s|think|(?:start_of|end_of|soft)_image"
    r"|image_soft_token)>|\|)",
    re.IGNORECASE,
)

# A mark with digits would look like somebody's number to the gate (agent.egress).
_LETTERS = str.maketrans("0123456789", "ghijklmnop")

_KEPT_OF_A_BAD_REPLY = 500  # characters
_CORRECTION = (
    "Your last reply was not a valid step: {why}. Reply with one JSON object, one step, and nothing else."
)

ChatTurn = dict[str, Any]


def alternate(messages: list[Message], images: list[Image]) -> list[ChatTurn]:
    """Chat-completions messages, user turn first, strictly alternating; images go with the last question."""
    turns: list[ChatTurn] = []
    with_images = max((n for n, m in enumerate(messages) if isinstance(m, QuestionMessage)), default=-1)
    for number, message in enumerate(messages):
        role = "assistant" if isinstance(message, StepMessage) else "user"
        parts: list[ChatTurn] = [{"type": "text", "text": defuse(_text(message))}]
        if number == with_images:
            parts += [_picture(image) for image in images]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += parts
        else:
            turns.append({"role": role, "content": parts})
    return [{"role": turn["role"], "content": _content(turn["content"])} for turn in turns]


def corrected(turns: list[ChatTurn], reply: str, why: str) -> list[ChatTurn]:
    """The turns with a reply that was no step, and a word on why."""
    return [
        *turns,
        {"role": "assistant", "content": defuse(reply[:_KEPT_OF_A_BAD_REPLY]) or "(nothing)"},
        {"role": "user", "content": defuse(_CORRECTION.format(why=why))},
    ]


def defuse(text: str) -> str:
    """The text with look-alike brackets in place of those that would open a control token."""
    return _CONTROL.sub("‹", text)


def _content(parts: list[ChatTurn]) -> str | list[ChatTurn]:
    """Plain text where there is only text: many servers take nothing else."""
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def _text(message: Message) -> str:
    match message:
        case SystemMessage(text=text):
            return text
        case QuestionMessage(text=text):
            return f"Question: {text}"
        case NoticeMessage(text=text):
            return f"Notice: {text}"
        case StepMessage(step=step):
            return json.dumps(step.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        case ResultsMessage(results=results):
            return "\n\n".join(_fenced(result) for result in results)


def _fenced(result: ToolResult) -> str:
    """A result between marks that its own text cannot contain: they carry a digest of that text."""
    text = defuse(result.text)
    mark = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16].translate(_LETTERS)
    arguments = json.dumps(result.arguments, ensure_ascii=False, separators=(",", ":"))
    return f"Result of {result.tool} {arguments}:\n<data {mark}>\n{text}\n</data {mark}>"


def _picture(image: Image) -> ChatTurn:
    data = base64.b64encode(image.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}}
