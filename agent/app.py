"""Composition root: the only place where stores, servers, models and trails are constructed."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.audit_access import (
    audit_explained,
    date_secret,
    deliver_events,
    open_journal,
    recorder_of,
)
from agent.config import Settings, Workflow
from agent.errors import (
    BY_KIND,
    AmbiguousPatient,
    Failed,
    NavigatorError,
    Refused,
    UnknownPatient,
    UsageError,
)
from agent.fhir_access import open_fhir
from agent.messages import (
    Action,
    Answer,
    AuditTrail,
    Image,
    Model,
    OnText,
    QuestionMessage,
    SystemMessage,
    Target,
    ToolResult,
    silent,
)
from agent.model_access import OFFLINE, open_models, open_rules
from agent.prompts import prompt
from agent.questions import Asked, check_question, patient_reference
from agent.recording import Acts
from agent.session import Session

# The command line's quick commands (help, config, audit) must not pay for MCP, HTTP and the store:
# those are imported where they are used.
if TYPE_CHECKING:
    import httpx
    from mcp.server import MCPServer

    from agent.escalation import Consent
    from agent.loop import Run
    from agent.toolbox import Toolbox
    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.delivery.outbox import DeliveryReport
    from mcp_servers.audit.identity import Identity
    from mcp_servers.audit.recorder import Recorder
    from mcp_servers.fhir.access.client import FhirClient
    from mcp_servers.fhir.tools import Kept


@asynccontextmanager
async def open_navigator(
    settings: Settings,
    *,
    workflow: Workflow = "ask",
    on_result: Callable[[ToolResult], object] = lambda _: None,
    consent: "Consent | None" = None,
    on_generated: Callable[[Any], object] = lambda _: None,
) -> "AsyncIterator[Navigator]":
    """A navigator with its journal, FHIR connection and models; on leaving, AuditEvents are delivered.

    `consent` asks the person, where the settings want that before anything leaves. `on_generated` is told
    what each step of a local model took (agent.models.local.generation.Figures).
    """
    from mcp_servers.fhir.access.client import FhirClient

    async with open_models(settings, on_generated) as models, open_fhir(settings) as http:
        journal = open_journal(settings)
        try:
            beside = settings.model != OFFLINE and (settings.offline_first or settings.second_opinion)
            rules = open_rules() if beside else None
            model = models.pop("local")
            navigator = Navigator(
                settings, http, FhirClient(http), journal, model, on_result, rules, models, workflow, consent
            )
            try:
                yield navigator
            finally:
                navigator.delivery = await deliver_events(settings, journal, http)
        finally:
            journal.close()


@dataclass
class Navigator:
    """Opened once; conversations with it share the FHIR connection, the journal, the model and what is
    `kept` of charts that were read.

    `rules` is the offline planner where the settings want it beside another model, `others` the models for
    work that is not the planner's. `who` acts, where it is not whom the settings name: a front that signs
    people in makes a copy for each.
    """

    settings: Settings
    http: "httpx.AsyncClient"
    fhir: "FhirClient"
    journal: "Journal"
    model: Model
    on_result: Callable[[ToolResult], object]
    rules: Model | None = None
    others: Mapping[Target, Model] = field(default_factory=dict)
    workflow: Workflow = "ask"
    consent: "Consent | None" = None
    who: "Identity | None" = None
    delivery: "DeliveryReport | None" = None
    kept: "Kept" = field(default_factory=OrderedDict)

    async def ask(
        self,
        question: str,
        *,
        patient: str | None = None,
        find: str | None = None,
        images: Sequence[Image | str] = (),
        hosted: bool = False,
        on_patient: Callable[[Mapping[str, Any]], object] = lambda _: None,
    ) -> Answer:
        """One question in a session of its own. Whatever happens is an Answer, but for UsageError.

        `hosted`: the person asks for the hosted model, which policy may still refuse.
        """
        check_question(question)
        session = self.new_session()
        try:
            async with self.conversation(
                patient=patient, find=find, session=session, on_patient=on_patient
            ) as conversation:
                return await conversation.ask(question, images=images, hosted=hosted)
        except UsageError:
            raise
        except NavigatorError as error:
            if isinstance(error, Refused):
                self.acts(session).refusal(question, error)
            return self.unasked(session, error)

    async def ask_many(
        self, asked: Sequence[Asked], concurrency: int
    ) -> AsyncGenerator[tuple[Asked, Answer], None]:
        """Answers as they are done, at most `concurrency` at once; closed early, what runs is let finish."""
        slots = asyncio.Semaphore(concurrency)
        closed = asyncio.Event()

        async def one(entry: Asked) -> tuple[Asked, Answer]:
            async with slots:
                if closed.is_set():
                    raise asyncio.CancelledError
                try:
                    given = self.settings.model_dump(exclude_unset=True)
                    now = Settings(**{**given, "now": entry.now or self.settings.now})
                    return entry, await replace(self, settings=now).ask(entry.question, patient=entry.patient)
                except (UsageError, ValueError) as error:
                    return entry, self.unasked(self.new_session(), error)

        tasks = [asyncio.create_task(one(entry)) for entry in asked]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            # Not cancelled: cancelled while it connects, the SDK's in-memory client waits for ever (mcp 2.3).
            closed.set()
            await asyncio.gather(*tasks, return_exceptions=True)

    def new_session(self) -> Session:
        """A session not yet bound to a patient."""
        user = self.who.user if self.who else self.settings.user
        return Session(patient=None, user=user, now=self.settings.moment)

    def unasked(self, session: Session, error: Exception) -> Answer:
        """The Answer of a question that never reached the loop."""
        return Answer(
            answer=str(error),
            status="refused" if isinstance(error, Refused) else "failed",
            model=self.model.identity,
            audit=self.trail(session),
            disclaimer=prompt("disclaimer"),
        )

    def trail(self, session: Session) -> AuditTrail:
        """Where the trail of a session lies, and how many calls are on it."""
        with audit_explained():
            return AuditTrail(session=session.id, events=self.journal.count(session.id))

    def recorder(self, session: Session) -> "Recorder":
        """The recorder of a session's tool calls."""
        base = str(self.http.base_url)
        return recorder_of(self.settings, self.journal, session.id, base, self.who)

    def acts(self, session: Session, *, apart: bool = False) -> Acts:
        """What a run puts on the trail of a session."""
        return Acts(self.recorder(session), session.patient, audit_explained, apart)

    def toolbox(self, session: Session) -> "AbstractAsyncContextManager[Toolbox]":
        """The chart tools, locked to the session's patient; for finding one, when it has none."""
        from agent.toolbox import open_toolbox

        return open_toolbox(self.server(session, session.now))

    def server(self, session: Session, now: datetime | None) -> "MCPServer":
        """The MCP server of the chart tools for a session; its present is `now`, or the time of each call."""
        from mcp_servers.fhir.surface.server import build_server

        return build_server(
            self.fhir,
            self.recorder(session),
            patient=session.patient,
            now=now,
            tools=self.settings.tools,
            cohorts=self.settings.cohorts,
            smallest_count=self.settings.smallest_count,
            kept=self.kept,
        )

    def hosted(self, session: Session, toolbox: "Toolbox") -> "AbstractAsyncContextManager[Model | None]":
        """The hosted model that a session may go on to."""
        from agent.hosting import open_hosted

        return open_hosted(
            self.settings, self.workflow, session, toolbox, self.acts(session),
            consent=self.consent, secret=date_secret(self.settings),
        )  # fmt: skip

    async def find(self, session: Session, text: str) -> str:
        """The one patient that `text` names. Raises UnknownPatient or AmbiguousPatient, which lists them."""
        async with self.toolbox(session) as toolbox:
            asked = Action(tool="find_patient", arguments={"text": text})
            result = await toolbox.call(asked, {"session": session.id})
        self.on_result(result)
        rows = evidence(result)["rows"]
        if not rows:
            raise UnknownPatient(
                f"No patient on this server fits {text!r}; check the spelling or use an identifier."
            )
        if len(rows) > 1:
            known = "; ".join(
                f"{row['name']}, born {row.get('birth_date', '?')} ({row['ref']})" for row in rows
            )
            raise AmbiguousPatient(f"{len(rows)} patients fit {text!r}: {known}. Name one with --patient.")
        return str(rows[0]["ref"])

    @asynccontextmanager
    async def conversation(
        self,
        *,
        patient: str | None = None,
        find: str | None = None,
        session: Session | None = None,
        on_patient: Callable[[Mapping[str, Any]], object] = lambda _: None,
    ) -> "AsyncIterator[Conversation]":
        """A conversation locked to one patient, who is looked up first; without one, no chart is open."""
        session = session or self.new_session()
        if find is not None:
            if not find.strip():
                raise UsageError("Say whom to find: a name, a birth date or an identifier.")
            patient = await self.find(session, find)
        if patient is not None:
            session.patient = patient_reference(patient)
        async with self.toolbox(session) as toolbox, AsyncExitStack() as stack:
            if session.patient:
                whose = Action(tool="fhir_read", arguments={"reference": session.patient})
                looked_up = await toolbox.call(whose, {"session": session.id})
                if looked_up.error == "not_found":
                    raise UnknownPatient(
                        f"There is no {session.patient} on this server; try --find-patient NAME."
                    )
                on_patient(evidence(looked_up)["rows"][0]["resource"])
            session.messages.append(
                SystemMessage(
                    text=prompt(
                        "system",
                        tools="\n".join(map(str, toolbox.offers)),
                        patient=session.patient or "none",
                        now=session.now.date().isoformat(),
                        max_hops=str(self.settings.max_hops),
                    ),
                    patient=session.patient,
                    now=session.now.isoformat(),
                )
            )
            hosted = self.hosted(session, toolbox) if self.settings.hosted_model else nullcontext()
            yield Conversation(self, session, toolbox, await stack.enter_async_context(hosted))


@dataclass
class Conversation:
    """Questions and answers about one patient, in one session."""

    navigator: Navigator
    session: Session
    toolbox: "Toolbox"
    hosted: Model | None = None

    async def ask(
        self,
        question: str,
        *,
        images: Sequence[Image | str] = (),
        hosted: bool = False,
        on_text: OnText = silent,
    ) -> Answer:
        """The answer to a question or follow-up. Raises UsageError for an empty or endless question.

        `images` may name pictures of the chart (`Media/123`). `on_text` hears an answer while it is written,
        before it is checked. `hosted`: as in Navigator.ask.
        """
        check_question(question)
        settings, rules = self.navigator.settings, self.navigator.rules
        models: dict[Target, Model] = {"local": self.navigator.model, **self.navigator.others}
        if rules and settings.offline_first and not images:  # the rules see none
            models["offline"] = rules
        if self.hosted:
            models["escalation"] = self.hosted
        from agent.chart_images import with_pictures

        seen = await with_pictures(
            images, self.session, self.navigator.fhir, self.navigator.recorder(self.session)
        )
        run = self.run(self.session, models, images=seen, asked_for=hosted, on_text=on_text)
        answer = await run.ask(question)
        if rules is None or not settings.second_opinion or answer.model == rules.identity:
            return answer
        return await self.beside(answer, rules, question)

    async def beside(self, answer: Answer, rules: Model, question: str) -> Answer:
        """A model's answer beside that of the rules, which see the questions of this session alone."""
        from agent.second_opinion import second_opinion

        asked = [one for one in self.session.messages if isinstance(one, SystemMessage | QuestionMessage)]
        apart = self.session.model_copy(update={"messages": asked[:-1]})
        other = await self.run(apart, {"local": rules}, apart=True).ask(question)
        opinion = second_opinion(answer, other)
        return answer.model_copy(update={"second_opinion": opinion, "audit": other.audit})

    def run(
        self,
        session: Session,
        models: Mapping[Target, Model],
        *,
        images: Sequence[Image] = (),
        asked_for: bool = False,
        on_text: OnText = silent,
        apart: bool = False,
    ) -> "Run":
        """One question's way through the loop. `apart`: for a second opinion."""
        from agent.course import Course, Limits
        from agent.egress.policy import EgressPolicy
        from agent.loop import Run
        from agent.router import RoutePolicy

        settings = self.navigator.settings
        course = Course(
            session,
            Limits(settings.max_hops, settings.max_tokens, settings.max_seconds),
            list(images),
            RoutePolicy(
                settings.escalate_after, settings.escalate_over, "offline" in models, frozenset(models)
            ),
            egress=EgressPolicy(
                settings.escalation, settings.escalation_workflows, settings.escalation_classes
            ),
            workflow=self.navigator.workflow,
            asked_for=asked_for,
        )
        return Run(
            session=session,
            toolbox=self.toolbox,
            models=models,
            course=course,
            disclaimer=prompt("disclaimer"),
            acts=self.navigator.acts(session, apart=apart),
            trail=lambda: self.navigator.trail(self.session),
            on_result=self.navigator.on_result,
            on_text=on_text,
        )


def evidence(result: ToolResult) -> dict[str, Any]:
    """A result's envelope. Raises the error that its kind stands for (mcp_servers.fhir.errors)."""
    if result.error is None and result.data is not None:
        return result.data
    raise BY_KIND.get(result.error or "", Failed)(result.message)
