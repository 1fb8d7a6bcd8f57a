"""What reading a question comes to: a part that is understood, or why it is not."""

from dataclasses import dataclass

from agent.models.offline.intents import Intent
from agent.models.offline.reading import Reading


@dataclass(frozen=True)
class Part:
    """A question that is understood: its reading, and the intent that takes it.

    `leaning`: it asks more about what the question before asked about, which the next one may lean on too;
    `of_records`: about the records that were told, so that the next one leans on nothing else.
    """

    reading: Reading
    intent: Intent
    leaning: bool = False
    of_records: bool = False


class Unread(Exception):
    """Control flow: the question cannot be understood. `why` is a sentence of the refusals."""

    def __init__(self, why: str, reading: Reading) -> None:
        super().__init__(why)
        self.why, self.reading = why, reading
