"""One conversation's state, in memory: what is kept of it on disk, sealed, is the audit journal's."""

from datetime import datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from agent.messages import Message, QuestionMessage, ResultsMessage, ToolResult


class Session(BaseModel):
    """What a conversation is: whom it is about, who asks, and all that was said.

    Bound to one patient for its whole life (`patient` is a `Patient/id`), or to none. `images` came with its
    questions so far.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid4()))
    patient: str | None
    user: str
    now: datetime
    messages: list[Message] = []
    images: int = 0

    @property
    def results(self) -> list[ToolResult]:
        """What every call of the conversation brought, in order."""
        brought = (message.results for message in self.messages if isinstance(message, ResultsMessage))
        return [result for results in brought for result in results]

    @property
    def questions(self) -> list[str]:
        """What was asked, in order."""
        return [message.text for message in self.messages if isinstance(message, QuestionMessage)]
