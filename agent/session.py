"""One conversation's state, saved after every step."""

import os
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from agent.errors import Failed
from agent.messages import Message, QuestionMessage, ResultsMessage, ToolResult


class Session(BaseModel):
    """What a conversation is: whom it is about, who asks, and all that was said.

    Bound to one patient for its whole life (`patient` is a `Patient/id`), or to none.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid4()))
    patient: str | None
    user: str
    now: datetime
    messages: list[Message] = []
    _saved: int = PrivateAttr(default=0)

    @property
    def results(self) -> list[ToolResult]:
        """What every call of the conversation brought, in order."""
        brought = (message.results for message in self.messages if isinstance(message, ResultsMessage))
        return [result for results in brought for result in results]

    @property
    def questions(self) -> list[str]:
        """What was asked, in order."""
        return [message.text for message in self.messages if isinstance(message, QuestionMessage)]


def save(session: Session, folder: Path) -> Path:
    """Append what was said since the last time: a line a message, after a line with the rest of the session.

    Lines are never written again, as what was said stays. All of them are written or none, readable by their
    user alone. Raises Failed on a full disk.
    """
    path = folder / f"{session.id}.jsonl"
    lines = [one.model_dump_json() for one in session.messages[session._saved :]]
    if not session._saved:
        lines.insert(0, session.model_dump_json(exclude={"messages"}))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab", buffering=0) as file:
            before = file.tell()
            try:
                _write(file, "".join(f"{line}\n" for line in lines).encode())
            except OSError:
                with suppress(OSError):
                    file.truncate(before)
                raise
    except OSError as error:
        raise Failed(
            f"The session cannot be saved in {folder} ({error.strerror}). Free some space or point "
            "EHR_NAVIGATOR_DATA_DIR at another folder, then ask again."
        ) from None
    session._saved = len(session.messages)
    return path


def _write(file: FileIO, text: bytes) -> None:
    while text:  # what an almost full disk takes may be less
        text = text[file.write(text) or 0 :]
