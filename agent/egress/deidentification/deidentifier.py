"""A conversation on its way to a hosted model and back: what identifies stays here.

After 45 CFR 164.514(b)(2) (Safe Harbor), save that dates are moved instead of cut to the year.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from agent.egress.deidentification.identifiers import Identifiers
from agent.egress.deidentification.results import Results
from agent.egress.deidentification.texts import REFERENCE, Texts
from agent.egress.deidentification.vault import ALIAS, Vault
from agent.errors import NotPermitted
from agent.messages import (
    Action,
    Message,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    Step,
    StepMessage,
    SystemMessage,
    ToolResult,
)

# At least half a year, so that no day stays near. Not in whole weeks: with the present known to some weeks
# (`days_late`), these would leave five or six lengths to choose from, and days leave 36.
_LEAST, _SPREAD = 182, 1643
_SECRET = 16
_PASSES = 5
_WHOSE = frozenset({"patient", "subject", "beneficiary", "individual"})
# A code of a terminology may look like a year, and leaves as it is.
_NO_DATES = frozenset({"code", "unit"})
_PARTIAL = re.compile(r"\d{4}(?:-\d\d)?|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d")
_PREFIX = re.compile(r"(?:eq|ne|gt|lt|ge|le|sa|eb|ap)(?=\d{4})")
WITHHELD = (
    "[withheld] What query_chart brings does not leave: a statement can make of a chart what nobody can tell"
    " apart from what identifies. Use observations, list_records or search_notes."
)


def days_of(secret: bytes, patient: str) -> int:
    """By how many days a patient's dates move, always the same: half a year to five years back."""
    drawn = hmac.digest(secret, f"date shift {patient}".encode(), hashlib.sha256)
    return -(_LEAST + int.from_bytes(drawn[:8], "big") % _SPREAD)


class Deidentifier:
    """De-identifies the messages of one session, and re-identifies the replies to them.

    `chart` is the dictionary of whom and what its records tell, `secret` the clinic's own (dates move by it),
    `patient` the `Patient/id` that the session is about; without one, the chart must tell of patients.
    `render` writes a result's data as text, as it was first written. No two sessions share a mapping. Pure of
    I/O. Raises NotPermitted where nothing can be de-identified.
    """

    def __init__(
        self, chart: Identifiers, secret: bytes, patient: str | None, render: Callable[[dict[str, Any]], str]
    ) -> None:
        whose = patient or " ".join(sorted(chart.patients))
        if not whose or len(secret) < _SECRET:
            raise NotPermitted(
                "Nothing of this session can be de-identified: it is about no patient (name one with"
                f" --patient), or the secret by which dates move is shorter than {_SECRET} bytes."
            )
        self._vault = Vault()
        self._texts = Texts(chart, self._vault, days_of(secret, whose))
        self._results = Results(self._texts)
        self._late = days_late(secret, whose)
        self._patient = patient
        self._render = render
        self.restored = 0
        """How many texts and arguments of replies were given back what their tokens and dates stand for."""

    @property
    def chart(self) -> Identifiers:
        """The dictionary, and the names that were met in texts: what the gate is to look for."""
        return self._texts.chart

    @property
    def counts(self) -> dict[str, int]:
        """How many texts of each class were replaced in the conversation as it left last; FIELD: left out."""
        return dict(self._texts.counts)

    def mapping(self) -> dict[str, str]:
        """Every token and alias of the session with what it stands for: for the sealed ledger alone."""
        return self._vault.mapping() | {"days": str(self._texts.days)}

    def messages(self, messages: list[Message]) -> list[Message]:
        """The conversation without what identifies. Raises NotPermitted where something cannot be read.

        Its present is told some weeks late: the vendor knows the true one, and would know by the difference
        how far all dates were moved.
        """
        messages = [_later(message, self._late) for message in messages]
        for message in messages:
            if isinstance(message, SystemMessage):
                self._texts.today = _day_of(message.now)
            if isinstance(message, ResultsMessage):
                for result in message.results:
                    self._results.learn(result)
        if self._texts.today is None:
            raise NotPermitted("The conversation does not say what day it is, so no age can be told from it.")
        for _ in range(_PASSES):
            known = len(self.chart)
            self._texts.counts.clear()
            out = [self._message(message) for message in messages]
            if len(self.chart) == known:  # else a name was met that earlier texts may hold in another form
                return out
        raise NotPermitted("New names turn up in this conversation without an end; it does not leave.")

    def step(self, step: Step) -> Step:
        """A hosted reply with what its tokens stand for.

        Raises NotPermitted for tokens and records that this session never issued, and for another patient.
        """
        return Step(thought=self._back(step.thought), actions=tuple(map(self._action, step.actions)))

    def _message(self, message: Message) -> Message:
        texts = self._texts
        match message:
            case SystemMessage():
                patient = message.patient and self._vault.alias(message.patient)
                text = texts.without(message.text, prose=False, dates=False)
                return SystemMessage(text=text, patient=patient, now=texts.day(message.now))
            case QuestionMessage():
                return QuestionMessage(text=texts.without(message.text))
            case NoticeMessage():
                return NoticeMessage(text=texts.without(message.text))
            case StepMessage(step=step):
                actions = (
                    Action(tool=one.tool, arguments=self._strings(one.arguments)) for one in step.actions
                )
                return StepMessage(step=Step(thought=texts.without(step.thought), actions=tuple(actions)))
            case ResultsMessage():
                return ResultsMessage(results=tuple(map(self._result, message.results)))

    def _result(self, result: ToolResult) -> ToolResult:
        data = None
        if result.tool == "query_chart":
            self._texts.counts["WITHHELD"] += 1
            text = WITHHELD
        elif result.data is None:
            text = self._texts.without(result.text)
        else:
            data = self._results.envelope(result.data)
            text = self._texts.clean(self._render(data))
        return ToolResult(
            tool=result.tool,
            arguments=self._strings(result.arguments),
            text=text,
            data=data,
            error=result.error,
            ms=result.ms,
        )

    def _strings(self, value: Any) -> Any:
        """Arguments without what identifies."""
        if isinstance(value, str):
            return self._texts.without(value)
        if isinstance(value, list):
            return [self._strings(item) for item in value]
        if isinstance(value, dict):
            return {key: self._strings(item) for key, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._results.number(value)
        return value

    def _back(self, text: str) -> str:
        told = self._texts.back(text)
        self.restored += told != text
        return told

    def _action(self, action: Action) -> Action:
        if action.tool == "answer":
            said = {name: _each(value, self._back) for name, value in action.arguments.items()}
            return Action(tool=action.tool, arguments=said)
        arguments = {name: self._argument(name, value) for name, value in action.arguments.items()}
        return Action(tool=action.tool, arguments=arguments)

    def _argument(self, name: str, value: Any) -> Any:
        """An argument of a tool, as this clinic's chart tools read it. Raises NotPermitted."""
        if isinstance(value, list):
            return [found for item in value for found in self._items(name, item)]
        if isinstance(value, dict):
            return {key: self._argument(key, item) for key, item in value.items()}
        if not isinstance(value, str):
            return value
        said = value
        if name not in _NO_DATES:
            said = self._texts.dates_back(value, lambda first, last: str(last if name == "until" else first))
        told = self._vault.restored(said)
        self.restored += told != value
        self._check_patient(name, value, told)
        return told

    def _items(self, name: str, item: Any) -> list[Any]:
        """An item of a list; a search parameter of a year or a month becomes the two bounds of its days."""
        if not (
            isinstance(item, dict)
            and isinstance(item.get("name"), str)
            and isinstance(item.get("value"), str)
        ):
            return [self._argument(name, item)]
        key, said = item["name"], item["value"]
        if key.partition(":")[0] in _WHOSE:
            return [{**item, "value": self._argument("patient", said)}]
        prefix = _PREFIX.match(said)
        of, bare = (prefix.group(), said[prefix.end() :]) if prefix else ("", said)
        if not _PARTIAL.fullmatch(bare):
            return [{**item, "value": of + self._argument(key, bare)}]
        first, last = (self._argument(end, bare) for end in ("since", "until"))
        if of in ("", "eq"):
            return [{**item, "value": f"ge{first}"}, {**item, "value": f"le{last}"}]
        return [{**item, "value": of + (last if of in ("gt", "sa", "le") else first)}]

    def _check_patient(self, name: str, said: str, told: str) -> None:
        """Raise NotPermitted where an argument names a patient whom this session is not about, or a record
        that it was never shown."""
        shown = {match.group() for match in ALIAS.finditer(said)}
        if any(match.group() not in shown for match in REFERENCE.finditer(said)):
            raise NotPermitted(
                "The hosted model named a record that it was never shown: its step is refused."
            )
        patients = {match.group() for match in REFERENCE.finditer(told) if match[0].startswith("Patient/")}
        if name == "patient" and not patients:
            patients = {f"Patient/{told}"}
        if not patients <= ({self._patient} if self._patient else self.chart.patients):
            raise NotPermitted("The hosted model asked for another patient; its step is refused.")


def days_late(secret: bytes, patient: str) -> int:
    """By how many days later than it is the present is told: one to six weeks, for ever the same."""
    drawn = hmac.digest(secret, f"present {patient}".encode(), hashlib.sha256)
    return 7 + int.from_bytes(drawn[:8], "big") % 36


def _later(message: Message, days: int) -> Message:
    """The message with its present so many days later: of the host's words and of results."""
    if isinstance(message, SystemMessage) and (day := _day_of(message.now)):
        told = (day + timedelta(days=days)).isoformat()
        text = message.text.replace(day.isoformat(), told)
        return message.model_copy(update={"now": told + message.now[10:], "text": text})
    if isinstance(message, ResultsMessage):
        return ResultsMessage(results=tuple(_result_later(result, days) for result in message.results))
    return message


def _result_later(result: ToolResult, days: int) -> ToolResult:
    as_of = str((result.data or {}).get("as_of", ""))
    if not (day := _day_of(as_of)):
        return result
    told = (day + timedelta(days=days)).isoformat() + as_of[10:]
    return result.model_copy(update={"data": {**(result.data or {}), "as_of": told}})


def _day_of(now: str) -> date | None:
    try:
        return date.fromisoformat(now[:10])
    except ValueError:
        return None


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each(item, change) for key, item in value.items()}
    return value
