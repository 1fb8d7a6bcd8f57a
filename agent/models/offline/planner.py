"""The planner: reads the last question, asks for what its intent still wants, and answers."""

import gc
import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from agent.errors import CannotAnswer
from agent.messages import (
    Action,
    Image,
    Message,
    ModelIdentity,
    OnText,
    QuestionMessage,
    ResultsMessage,
    Step,
    SystemMessage,
    ToolResult,
    Turn,
    silent,
)
from agent.models.offline.chart import AT_ONCE, Chart, StillWanted
from agent.models.offline.charted import lookups, names_found, with_names
from agent.models.offline.concepts import Lexicon, load_lexicon
from agent.models.offline.conversation import last_parts
from agent.models.offline.intents import CUES, Asked, Intent
from agent.models.offline.reading import LONGEST, Reading
from agent.models.offline.refusals import kind_of, refusal
from agent.models.offline.several import Parts, answer, taken_for, understood_of
from agent.models.offline.understanding import Unread
from agent.models.offline.wording import Draft, Wording


class OfflinePlanner:
    """A Model without a language model: what its dictionary and rules can read, it looks up and answers.

    Everything comes from the messages. A word that the dictionary does not have may be a name of this chart's
    records: these are looked up before a question is refused. What is not read to the last word is refused
    (CannotAnswer), so that no part of a question is ever passed over.
    """

    def __init__(self) -> None:
        self._wording = Wording()

    @property
    def _lexicon(self) -> Lexicon:
        return _lexicon()

    @property
    def identity(self) -> ModelIdentity:
        """The name, and the version of the dictionary and rules."""
        return ModelIdentity(name="offline", revision=self._lexicon.version)

    async def next_step(
        self,
        messages: Sequence[Message],
        schema: dict[str, Any],
        images: Sequence[Image],
        on_text: OnText = silent,
    ) -> Turn:
        """The tool calls that the last question needs, or its answer.

        Raises CannotAnswer where the question is beyond the rules, and what a failed tool call means:
        NotPermitted, ChartUnavailable or AuditUnavailable.
        """
        system = next(message for message in messages if isinstance(message, SystemMessage))
        if system.patient is None:
            raise CannotAnswer(self._wording.say("refusal", "unbound"))
        now = date.fromisoformat(system.now[:10])
        questions = [message.text for message in messages if isinstance(message, QuestionMessage)]
        results = _since_question(messages)
        lexicon = with_names(self._lexicon, names_found(_every_result(messages)))
        try:
            parts = self._parts(questions, now, lexicon)
        except Unread as problem:
            text = questions[-1]
            wanted = [] if kind_of(text) or _looked_up(results) else lookups(problem.reading)
            if not wanted:
                raise CannotAnswer(refusal(text, problem, self._wording)) from None
            return Turn(step=Step(thought="names of the chart", actions=tuple(wanted)))
        asked = Asked(Reading(), Chart(results), self._wording, lexicon, now)
        thought = ", ".join(part.intent.name for part in understood_of(parts))
        try:
            draft = answer(parts, asked)
        except StillWanted as wanted:
            return Turn(step=Step(thought=thought, actions=wanted.actions[:AT_ONCE]))
        return Turn(step=Step(thought=thought, actions=(self._answer(draft, parts),)))

    def interpret(self, questions: Sequence[str], now: date) -> tuple[Reading, Intent]:
        """The last question, where it is a single one, as a reading and the intent that takes it.

        Raises CannotAnswer, saying why.
        """
        parts = understood_of(self.read(questions, now))
        if len(parts) > 1:
            raise CannotAnswer("These are several questions.")
        return parts[0].reading, parts[0].intent

    def read(self, questions: Sequence[str], now: date) -> Parts:
        """The parts of the last question, each understood or not. Raises CannotAnswer, saying why."""
        try:
            return self._parts(questions, now, self._lexicon)
        except Unread as problem:
            raise CannotAnswer(refusal(questions[-1], problem, self._wording)) from None

    def _parts(self, questions: Sequence[str], now: date, lexicon: Lexicon) -> Parts:
        if not questions or not questions[-1].strip():
            raise CannotAnswer(self._wording.say("refusal", "empty"))
        if len(questions[-1]) > LONGEST:
            raise CannotAnswer(self._wording.say("refusal", "long"))
        return last_parts(questions, now, lexicon)

    def _answer(self, draft: Draft, parts: Parts) -> Action:
        text = draft.text
        if any(part.reading.negated for part in understood_of(parts)):
            # "Yes" to a question that expects a no would leave open to what.
            text = re.sub(r"^Yes\b", "On record", text, flags=re.MULTILINE)
        for given, taken in taken_for(parts):
            text += self._wording.say("refusal", "taken", given=given, taken=taken)
        arguments = {"text": text, "citations": list(draft.citations), "status": draft.status}
        return Action(tool="answer", arguments=arguments)


@cache
def _lexicon() -> Lexicon:
    """The dictionary with the phrases of all intents, read with the first question of a process."""
    lexicon = load_lexicon(CUES)
    gc.freeze()  # it stays, as the modules do: every garbage collection would look through them (0.1 s)
    return lexicon


def _every_result(messages: Sequence[Message]) -> list[ToolResult]:
    brought = (message.results for message in messages if isinstance(message, ResultsMessage))
    return [result for results in brought for result in results]


def _since_question(messages: Sequence[Message]) -> list[ToolResult]:
    """The results that came after the last question."""
    last = max(at for at, message in enumerate(messages) if isinstance(message, QuestionMessage))
    return _every_result(messages[last:])


def _looked_up(results: Sequence[ToolResult]) -> bool:
    return any(result.tool == "lookup_code" for result in results)
