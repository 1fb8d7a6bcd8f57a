"""One conversation's state, saved after every step."""

import os
import tempfile
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from agent.errors import Failed
from agent.messages import Message, QuestionMessage, ResultsMessage, ToolResult, Usage


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
    usage: Usage = Usage()

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
    """Write the session whole or not at all, readable by its user alone. Raises Failed on a full disk."""
    path = folder / f"{session.id}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=folder, suffix=".draft")  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(session.model_dump_json())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failed(
            f"The session cannot be saved in {folder} ({error.strerror}). Free some space or point "
            "EHR_NAVIGATOR_DATA_DIR at another folder, then ask again."
        ) from None
    return path
