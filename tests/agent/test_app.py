"""The navigator as callers open it: over the sample charts, and over a FHIR server that notes requests."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_navigator
from agent.audit_access import audit_ring, journal_path
from agent.config import Settings, load
from agent.errors import AuditUnavailable
from fhir_fixtures import charts as samples
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.identity import Identity
from tests.mcp_servers.fhir.scripted import ScriptedFhir
from tests.mcp_servers.fhir.serving import served


def requests_of(settings: Settings, session: str) -> list[tuple[str, dict[str, Any]]]:
    """The FHIR requests of a session by its trail, each with its call."""
    path, content = journal_path(settings), Content(audit_ring(settings))
    with trail.reading(path) as db:
        return [
            (record.body["call"], request)
            for record in trail.records(path, session)
            if record.kind == "completion"
            for request in (trail.said(db, content, record) or {})["requests"]
        ]


@pytest.mark.anyio
async def test_a_journal_that_vanishes_during_a_run_ends_it_with_a_word_to_the_person(data_dir: Path) -> None:
    settings, _ = load({"data_dir": data_dir}, {})
    with pytest.raises(AuditUnavailable, match="journal"):
        async with open_navigator(settings) as navigator:
            await navigator.ask(
                "How old is she?",
                patient="hard-amara-okafor",
                on_patient=lambda _: (data_dir / "audit.sqlite").unlink(),
            )


@pytest.mark.anyio
async def test_a_server_is_asked_once_what_it_can_do_and_the_patient_is_looked_up_for_each_question(
    tmp_path: Path,
) -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A", "birthDate": "1970-05-03"}])
    async with served(app) as address:
        settings, _ = load({"data_dir": tmp_path, "fhir": f"{address}/fhir"}, {})
        async with open_navigator(settings) as navigator:
            answers = [await navigator.ask("When was she born?", patient="A") for _ in range(2)]
    assert all("1970-05-03" in answer.answer for answer in answers)

    def sent(path: str) -> list[str]:
        return [r.headers["X-Request-ID"] for r in app.seen if r.url.path == f"/fhir/{path}"]

    def recorded(session: str, path: str) -> list[str]:
        """The calls of a session that made such a request, by its trail."""
        return [
            call
            for call, request in requests_of(settings, session)
            if request["url"] == f"{address}/fhir/{path}"
        ]

    first, second = (answer.audit.session for answer in answers)
    assert sent("metadata") == recorded(first, "metadata")
    assert len(sent("metadata")) == 1
    assert recorded(second, "metadata") == []
    assert recorded(first, "Patient/A")
    assert recorded(second, "Patient/A")
    assert sent("Patient/A") == recorded(first, "Patient/A") + recorded(second, "Patient/A")


@pytest.mark.anyio
async def test_what_was_read_of_a_chart_outlives_a_conversation_about_it_and_no_other(data_dir: Path) -> None:
    long, other = (one.id for one in islice((p for p in samples.patients() if p.set == "life-long"), 2))
    settings, _ = load({"data_dir": data_dir}, {})
    async with open_navigator(settings) as navigator:
        answers = [await navigator.ask("Latest weight?", patient=one) for one in (long, long, other)]
    assert {answer.status for answer in answers} == {"answered"}
    assert answers[0].citations == answers[1].citations != answers[2].citations
    first, again, of_other = (len(requests_of(settings, answer.audit.session)) for answer in answers)
    assert again < first
    assert of_other > again


@pytest.mark.anyio
async def test_a_front_that_signs_people_in_names_each_on_the_trail(data_dir: Path) -> None:
    settings, _ = load({"data_dir": data_dir}, {})
    async with open_navigator(settings) as navigator:
        signed_in = replace(navigator, who=Identity("dr.karev", "ETREAT", "sign_in"))
        answer = await signed_in.ask("How old is she?", patient="hard-amara-okafor")
    intents = [
        one.body
        for one in trail.records(journal_path(settings), answer.audit.session)
        if one.kind == "intent"
    ]
    assert {(body["user"], body["purpose_of_use"], body["known_by"]) for body in intents} == {
        ("dr.karev", "ETREAT", "sign_in")
    }
