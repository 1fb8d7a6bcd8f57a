"""The planner: reads the last question, asks for what its intent still wants, and answers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from agent.errors import CannotAnswer
from agent.messages import (
    Action,
    Image,
    Message,
    ModelIdentity,
    QuestionMessage,
    ResultsMessage,
    Step,
    SystemMessage,
    ToolResult,
    Turn,
)
from agent.models.offline.chart import Chart, StillWanted
from agent.models.offline.concepts import load_lexicon
from agent.models.offline.conversation import read_last
from agent.models.offline.intents import CUES, Asked, Intent, intent_of
from agent.models.offline.reading import LONGEST, Reading
from agent.models.offline.wording import Draft, Wording


class OfflinePlanner:
    """A Model without a language model: what its dictionary and rules can read, it looks up and answers.

    Nothing is kept between calls; everything comes from the messages. What is not read to the last word is
    refused (CannotAnswer), so that no part of a question is ever passed over.
    """

    def __init__(self) -> None:
        self._lexicon = load_lexicon(CUES)
        self._wording = Wording()

    @property
    def identity(self) -> ModelIdentity:
        """The name, and the version of the dictionary and rules."""
        return ModelIdentity(name="offline", revision=self._lexicon.version)

    async def next_step(
        self, messages: Sequence[Message], schema: dict[str, Any], images: Sequence[Image]
    ) -> Turn:
        """The tool calls that the last question needs, or its answer.

        Raises CannotAnswer where the question is beyond the rules, and what a failed tool call means:
        NotPermitted, ChartUnavailable or AuditUnavailable.
        """
        system = next(message for message in messages if isinstance(message, SystemMessage))
        if system.patient is None:
            raise CannotAnswer(self._wording.say("refusal", "unbound"))
        now = date.fromisoformat(system.now[:10])
        reading, intent = self.interpret(
            [message.text for message in messages if isinstance(message, QuestionMessage)], now
        )
        asked = Asked(reading, Chart(_results(messages)), self._wording, self._lexicon, now)
        try:
            draft = intent.answer(asked)
        except StillWanted as wanted:
            return Turn(step=Step(thought=intent.name, actions=wanted.actions))
        return Turn(step=Step(thought=intent.name, actions=(self._answer(draft, reading),)))

    def interpret(self, questions: Sequence[str], now: date) -> tuple[Reading, Intent]:
        """The last question as a reading and the intent that takes it. Raises CannotAnswer, saying why."""
        if not questions or not questions[-1].strip():
            raise self._refusal("empty")
        if len(questions[-1]) > LONGEST:
            raise self._refusal("long")
        reading = read_last([text for text in questions if len(text) <= LONGEST], now, self._lexicon)
        if reading.lost:
            raise self._refusal("follow")
        if reading.unread:
            given = {taken: word for word, taken in reading.corrected}
            words = (f"'{given.get(word, word)}'" for word in reading.unread[:5])
            raise self._refusal("unread", words=", ".join(words))
        intent = intent_of(reading)
        if intent is None:
            raise self._refusal("shape")
        return reading, intent

    def _answer(self, draft: Draft, reading: Reading) -> Action:
        text = draft.text
        for given, taken in reading.corrected:
            text += self._wording.say("refusal", "taken", given=given, taken=taken)
        arguments = {"text": text, "citations": list(draft.citations), "status": draft.status}
        return Action(tool="answer", arguments=arguments)

    def _refusal(self, why: str, **parts: str) -> CannotAnswer:
        reason, examples = (
            self._wording.say("refusal", why, **parts),
            self._wording.say("refusal", "examples"),
        )
        return CannotAnswer(f"{reason} {examples}")


def _results(messages: Sequence[Message]) -> list[ToolResult]:
    """The results that came after the last question."""
    found: list[ToolResult] = []
    for message in messages:
        if isinstance(message, QuestionMessage):
            found = []
        elif isinstance(message, ResultsMessage):
            found += message.results
    return found
