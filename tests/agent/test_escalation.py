"""The way of a step to a hosted model: what is asked, recorded and put back. The model, the journal and what
takes names out are stand-ins here; tests/agent/test_hosted_sessions.py holds the real ones together."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from agent.egress.policy import Permission, Vendor
from agent.errors import AuditUnavailable, ModelUnavailable, NotPermitted
from agent.escalation import CAVEAT, Consent, Hosted, Leaving, Recorded
from agent.messages import (
    Action,
    Image,
    Message,
    ModelIdentity,
    OnText,
    QuestionMessage,
    Step,
    Turn,
    Usage,
    silent,
)
from agent.recording import Acts

VENDOR = Vendor("frontier-1", "https://hosted.example/v1", "BAA-7", "30 days", "EU")
BARE = Permission("deidentified", "policy for ask is deidentified")
AGREED = Permission("agreement", "policy for ask is agreement")
QUESTION = QuestionMessage(text="Is Amara's potassium fine?")


@dataclass
class Journal:
    """A stand-in: lists acts, and refuses those that the test names."""

    refuses: str = ""
    acts: list["Act"] = field(default_factory=list)

    def act(self, act: str, *, patient: str | None, facts: Any, said: Any, durable: bool) -> "Act":
        if act == self.refuses:
            raise AuditUnavailable("The journal is full.")
        self.acts.append(Act(f"act-{len(self.acts)}", act, patient, {**facts}, said, durable))
        return self.acts[-1]


@dataclass
class Act:
    """One of them."""

    id: str
    name: str
    patient: str | None
    facts: dict[str, Any]
    said: dict[str, Any]
    durable: bool
    outcome: str = ""

    def complete(self, outcome: str, *, error: Any, facts: Any, said: Any, durable: bool) -> None:
        self.outcome, self.facts = outcome, self.facts | facts | {"error": error}


class Names:
    """A stand-in for de-identification: one name, one token."""

    def __init__(self) -> None:
        self.counts: Mapping[str, int] = {"name": 1}
        self.restored = 0

    def messages(self, messages: list[Message]) -> list[Message]:
        return [
            QuestionMessage(text=one.text.replace("Amara", "[[PERSON_1]]"))
            if isinstance(one, QuestionMessage)
            else one
            for one in messages
        ]

    def step(self, step: Step) -> Step:
        self.restored += 1
        return Step.model_validate_json(step.model_dump_json().replace("[[PERSON_1]]", "Amara"))

    def mapping(self) -> Mapping[str, str]:
        return {"[[PERSON_1]]": "Amara"}


class Remote:
    """A stand-in for the hosted model: posts what it is told, and echoes it as an answer."""

    identity = ModelIdentity(name="frontier-1")

    def __init__(self, http: httpx.AsyncClient, *, requests: int = 1) -> None:
        self.http = http
        self.requests = requests
        self.fails: Exception | None = None

    async def next_step(
        self, messages: list[Message], schema: dict[str, Any], images: list[Image], on_text: OnText = silent
    ) -> Turn:
        text = "; ".join(one.text for one in messages if isinstance(one, QuestionMessage))
        for _ in range(self.requests):
            await self.http.post(VENDOR.url, json={"text": text})
        if self.fails:
            raise self.fails
        on_text(text)
        arguments = {"text": text, "citations": [], "status": "answered"}
        usage = Usage(prompt=100, completion=10)
        return Turn(step=Step(actions=(Action(tool="answer", arguments=arguments),)), usage=usage)


@dataclass
class Bench:
    """A hosted model over a transport that keeps what it would send."""

    journal: Journal
    hosted: Hosted
    remote: Remote
    sent: list[dict[str, str]]

    async def ask(self, *messages: Message, heard: OnText = silent) -> Turn:
        return await self.hosted.next_step(list(messages) or [QUESTION], {}, [], heard)


def bench(
    permission: Permission = BARE, consent: Consent | None = None, refuses: str = "", requests: int = 1
) -> Bench:
    sent: list[dict[str, str]] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200)

    journal = Journal(refuses)

    async def before(request: httpx.Request, payload: bytes) -> None:
        await hosted.before(request, payload)

    http = httpx.AsyncClient(transport=Recorded(httpx.MockTransport(keep), before))
    remote = Remote(http, requests=requests)

    async def names() -> Names:
        return Names()

    hosted = Hosted(
        vendor=VENDOR,
        model=remote,
        permission=lambda _: permission,
        deidentifier=names,
        acts=Acts(journal, "Patient/a", nullcontext),
        workflow="ask",
        images=lambda: 0,
        user="dr",
        consent=consent,
        cost=lambda usage: usage.prompt / 1000,
    )
    return Bench(journal, hosted, remote, sent)


def text_of(turn: Turn) -> str:
    return str(turn.step.actions[0].arguments["text"])


@pytest.mark.anyio
async def test_what_leaves_is_stripped_and_what_comes_home_is_whole() -> None:
    made = bench()
    turn = await made.ask()
    assert made.sent == [{"text": "Is [[PERSON_1]]'s potassium fine?"}]
    assert text_of(turn) == "Is Amara's potassium fine?"
    assert turn.usage.cost == 0.1


@pytest.mark.anyio
async def test_the_ledger_has_it_before_it_leaves_and_what_it_cost_after() -> None:
    made = bench()
    await made.ask()
    escalation, back = made.journal.acts
    assert (escalation.name, escalation.outcome, escalation.durable) == ("escalation", "ok", True)
    assert escalation.patient == "Patient/a"
    told = escalation.facts
    assert told["recipient"] == "https://hosted.example/v1"
    assert (told["host"], told["policy"], told["agreement"]) == ("hosted.example", "deidentified", "BAA-7")
    assert (told["retention"], told["region"], told["workflow"]) == ("30 days", "EU", "ask")
    assert (told["data_classes"], told["fields"]) == (["question"], {"name": 1})
    assert (told["tokens_in"], told["tokens_out"], told["cost"], told["replied"]) == (100, 10, 0.1, True)
    assert told["bytes"] == len(escalation.said["payload"].encode())
    assert escalation.said["mapping"] == {"[[PERSON_1]]": "Amara"}
    assert (back.name, back.facts["escalation"]) == ("re_identification", escalation.id)
    assert back.facts["restored"] == 1


@pytest.mark.anyio
async def test_an_answer_about_the_time_just_past_says_what_present_the_model_was_told() -> None:
    turn = await bench().ask(QuestionMessage(text="Any potassium in the last two weeks?"))
    assert text_of(turn).endswith(CAVEAT)
    assert CAVEAT not in text_of(await bench().ask(QuestionMessage(text="Any potassium in 2019?")))


@pytest.mark.anyio
async def test_under_an_agreement_it_goes_as_it_is_and_is_heard_while_it_is_written() -> None:
    made, heard = bench(AGREED), list[str]()
    turn = await made.ask(heard=heard.append)
    assert made.sent == [{"text": QUESTION.text}]
    assert heard == [text_of(turn)]
    assert [act.name for act in made.journal.acts] == ["escalation"]
    assert made.journal.acts[0].said["mapping"] == {}


@pytest.mark.anyio
async def test_where_policy_says_never_nothing_is_even_made_ready() -> None:
    made = bench(Permission("never", "policy for notes is never"))
    with pytest.raises(NotPermitted, match="policy for notes is never"):
        await made.ask()
    assert (made.sent, made.journal.acts) == ([], [])


@pytest.mark.anyio
async def test_what_cannot_be_recorded_does_not_leave() -> None:
    made = bench(refuses="escalation")
    with pytest.raises(AuditUnavailable):
        await made.ask()
    assert made.sent == []


@pytest.mark.anyio
async def test_a_person_is_asked_once_a_question_and_sees_the_very_payload() -> None:
    seen: list[Leaving] = []

    async def yes(leaving: Leaving) -> bool:
        seen.append(leaving)
        return True

    made = bench(consent=yes, requests=2)
    await made.ask()
    await made.ask(QUESTION, QuestionMessage(text="And now?"))
    assert len(made.sent) == 4
    assert [json.loads(leaving.payload)["text"] for leaving in seen] == [
        "Is [[PERSON_1]]'s potassium fine?",
        "Is [[PERSON_1]]'s potassium fine?; And now?",
    ]
    asked = [act for act in made.journal.acts if act.name == "escalation"]
    assert {act.facts["consent"] for act in asked} == {"dr"}


@pytest.mark.anyio
async def test_without_consent_nothing_leaves_and_nothing_is_said_to_have_left() -> None:
    async def no(_: Leaving) -> bool:
        return False

    made = bench(consent=no)
    with pytest.raises(NotPermitted, match="did not consent"):
        await made.ask()
    assert (made.sent, made.journal.acts) == ([], [])


@pytest.mark.anyio
async def test_of_several_requests_each_is_on_the_ledger_and_the_last_has_the_tokens() -> None:
    made = bench(requests=2)
    await made.ask()
    first, last = (act for act in made.journal.acts if act.name == "escalation")
    assert (first.facts["tokens_in"], last.facts["tokens_in"]) == (None, 100)
    assert (first.facts["cost"], first.facts["replied"]) == (None, False)


@pytest.mark.anyio
async def test_what_has_no_known_price_is_not_recorded_as_free() -> None:
    made = bench()
    made.hosted.cost = lambda _: None
    assert (await made.ask()).usage.cost == 0
    escalation, _ = made.journal.acts
    assert (escalation.facts["tokens_in"], escalation.facts["cost"]) == (100, None)


@pytest.mark.anyio
@pytest.mark.parametrize("error", [ModelUnavailable("Down."), NotPermitted("It held what was never sent.")])
async def test_what_left_before_a_failure_is_on_the_ledger_as_failed_and_never_as_refused(
    error: Exception,
) -> None:
    made = bench()
    made.remote.fails = error
    with pytest.raises(type(error)):
        await made.ask()
    (escalation,) = made.journal.acts
    assert (escalation.outcome, escalation.facts["replied"]) == ("failed", False)
