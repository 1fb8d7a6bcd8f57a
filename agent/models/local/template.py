"""A conversation in Gemma's turns, as token ids that are only ever appended to.

Gemma has no system role and no tool role, and its turns alternate: the system text stands at the head of the
first user turn, and what tools return is a user turn. What the model wrote is kept as the ids that it wrote;
to decode and tokenise it anew would give others, and the cache would be of another conversation.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from agent.errors import ModelFailed
from agent.messages import Image, Message, SystemMessage
from agent.models.conversation import alternate, defuse

if TYPE_CHECKING:
    from agent.models.local.loading import Loaded

Images = Mapping[int, Sequence[Image]]
"""The images that came with a message, by the message's number."""
_Parts = list[str | int]


def opening(
    loaded: "Loaded", messages: Sequence[Message], images: Images, *, thinking: bool
) -> tuple[list[int], int]:
    """The ids of a conversation up to where the model writes, and how many of them any session begins with.

    These are the instructions and tools as far as the patient or the date, whichever is named first: what
    they cost to read is paid once for all sessions. `thinking` asks for it, in words that MedGemma knows.
    """
    ids = loaded.ids
    (role, parts), *rest = _turns(messages, images)
    lead = (files("agent") / "prompts" / "thinking.txt").read_text(encoding="utf-8") if thinking else ""
    common = _common(messages[0])
    head: _Parts = [ids.bos, ids.start_of_turn, f"{role}\n{lead}{common}"]
    body = [str(parts[0])[len(common) :], *parts[1:]]
    shared = _encoded(loaded, head) if common else []
    tail = [*([] if common else head), *body, ids.end_of_turn, "\n"]
    return [*shared, *_encoded(loaded, [*tail, *_told(loaded, rest)])], len(shared)


def continuation(loaded: "Loaded", messages: Sequence[Message], images: Images) -> list[int]:
    """The ids of what was said since the model's last step, up to where it writes again.

    They begin with the end of the model's turn, which it does not write itself.
    """
    turns = _turns(messages, images)
    parts: _Parts = []
    if turns[0][0] == "model":  # another model's step after ours, as where a hosted one took over
        parts, turns = ["\n\n", *turns[0][1]], turns[1:]
    return _encoded(loaded, [*parts, loaded.ids.end_of_turn, "\n", *_told(loaded, turns)])


def _turns(messages: Sequence[Message], images: Images) -> list[tuple[str, _Parts]]:
    """Alternating turns: whose, and its texts with -1 where an image stands."""
    turns: list[tuple[str, _Parts]] = []
    for number, message in enumerate(messages):
        (turn,) = alternate([message], list(images.get(number, ())))
        role = "model" if turn["role"] == "assistant" else "user"
        content = turn["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        told: _Parts = [part["text"].strip() if part["type"] == "text" else -1 for part in parts]
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(["\n\n", *told])
        else:
            turns.append((role, told))
    return turns


def _told(loaded: "Loaded", turns: list[tuple[str, _Parts]]) -> _Parts:
    """Whole turns, and the head of the one that the model writes."""
    ids = loaded.ids
    parts: _Parts = []
    for role, told in turns:
        parts += [ids.start_of_turn, f"{role}\n", *told, ids.end_of_turn, "\n"]
    return [*parts, ids.start_of_turn, "model\n"]


def _common(message: Message) -> str:
    """What the text of a system message has before the patient and the date: whole lines."""
    if not isinstance(message, SystemMessage):
        return ""
    text = defuse(message.text).strip()
    own = [at for word in (message.patient, message.now[:10]) if word and (at := text.find(word)) >= 0]
    return text[: text.rfind("\n", 0, min(own)) + 1] if own else text


def _encoded(loaded: "Loaded", parts: _Parts) -> list[int]:
    """The ids of texts and control tokens; texts that touch are tokenised as one.

    Raises ModelFailed for a text that spells a control token: it could end its turn, and speak as another.
    """
    ids = loaded.ids
    image = [ids.image_open, *[ids.image] * loaded.processor.image_seq_length, ids.image_close]
    encoded: list[int] = []
    text = ""
    for part in [*parts, None]:
        if isinstance(part, str):
            text += part
            continue
        if part == -1:
            text += "\n\n"
        if text:
            told = loaded.tokenizer.encode(text, add_special_tokens=False)
            if loaded.ids.control & set(told):
                raise ModelFailed(
                    "A text of the conversation spells a control token of the model; it is not sent."
                )
            encoded += told
        text = "\n\n" if part == -1 else ""
        encoded += image if part == -1 else [] if part is None else [part]
    return encoded
