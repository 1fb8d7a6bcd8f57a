"""`ehr-navigator audit reconcile`: the report, the exit code, and a real session on a real HAPI."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import to_thread

from agent.app import Navigator, open_navigator
from agent.audit_access import journal_path, open_journal
from agent.cli import main
from agent.config import Settings, load
from agent.messages import Action
from mcp_servers.audit.chain import trail
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder
from tests.mcp_servers.audit.scripted_emr import CLIENT, ScriptedEmr
from tests.mcp_servers.fhir.serving import served

pytestmark = pytest.mark.anyio


async def command(settings: Settings, *flags: str) -> int:
    """The exit code of the command over the last day."""
    since = (datetime.now().astimezone() - timedelta(days=1)).isoformat()
    where = ["--fhir", settings.fhir, "--data-dir", str(settings.data_dir)]
    return await to_thread.run_sync(main, ["audit", "reconcile", *where, "--since", since, *flags])


@pytest.fixture
async def emr() -> AsyncIterator[ScriptedEmr]:
    app = ScriptedEmr()
    async with served(app) as address:
        app.base = f"{address}/fhir"
        yield app


@pytest.fixture
def settings(tmp_path: Path, emr: ScriptedEmr) -> Settings:
    return load({"data_dir": tmp_path, "fhir": emr.base}, {})[0]


def read_p1(settings: Settings) -> str:
    """A call that read a patient: its id."""
    with closing(open_journal(settings)) as journal:
        context = Context(session="s1", identity=Identity("dr.grey"), fhir_base=settings.fhir)
        call = Recorder(journal, context).begin("fhir_read", {}, "Patient/p1")
        call.request("GET", f"{settings.fhir}/Patient/p1", 200, 1.0)
        call.request("GET", f"{settings.fhir}/Observation?patient=p1", 200, 1.0, 0)
        call.complete("ok", patients=["Patient/p1"])
    return call.id


async def test_two_trails_that_agree_are_said_to_and_the_exit_code_is_0(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    call = read_p1(settings)
    emr.saw("Patient/p1", call, "Patient/p1")
    assert await command(settings) == 0
    _, *said = capsys.readouterr().out.splitlines()
    assert said[:-1] == [
        "Our tool calls: 1, with 2 FHIR requests",
        "The EMR's AuditEvents: 1 about our client, 0 about others",
        "Not in the EMR's trail: 1 empty search",
        "All is accounted for.",
        "",
        "Accounted for:",
    ]
    assert call in said[-1]
    assert said[-1].endswith("fhir_read | the EMR has no event of it: 1 empty search")


async def test_what_is_not_accounted_for_comes_first_and_the_exit_code_is_1(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    emr.saw("Patient/p1", read_p1(settings), "Patient/p1")
    event = emr.saw("Patient?name=secret", "made-up", "Patient/p2")
    assert await command(settings) == 1
    out = capsys.readouterr().out
    assert "NOT ACCOUNTED FOR: requests that the EMR saw from our client without a record of ours: 1\n" in out
    assert f"AuditEvent/{event} | X-Request-ID made-up | search Patient | no call of ours has its" in out
    assert out.index("\nNOT ACCOUNTED FOR:\n") < out.index("\nAccounted for:\n")
    assert "secret" not in out


async def test_for_programs_each_difference_is_a_line_and_the_summary_the_last(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    emr.saw("Patient/p1", read_p1(settings), "Patient/p1")
    emr.saw("Patient/p2", "made-up", "Patient/p2")
    assert await command(settings, "--json") == 1
    found, unseen, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["kind"], found["request_id"], found["accounted"]) == ("unrecorded", "made-up", False)
    assert (unseen["kind"], unseen["reasons"], unseen["accounted"]) == ("unseen", {"empty search": 1}, True)
    summary = last["summary"]
    assert (summary["calls"], summary["requests"], summary["events"]) == (1, 2, 2)
    assert (summary["complete"], summary["unaccounted"]) == (False, {"unrecorded": 1})


async def test_a_server_that_writes_no_events_of_its_own_is_told_of(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    read_p1(settings)
    assert await command(settings) == 1
    assert "It has none of this time: does that server write any of its own?" in capsys.readouterr().out


async def test_calls_to_another_server_are_said_not_to_be_compared(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    read_p1(settings.model_copy(update={"fhir": "http://other.example/fhir"}))
    assert await command(settings) == 0
    first, *said = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{emr.base} from 20")
    assert "Not compared, as they asked other FHIR servers (name one with --fhir): 1" in said


async def test_that_the_trail_was_read_for_it_is_on_the_trail(settings: Settings, emr: ScriptedEmr) -> None:
    emr.saw("Patient/p1", read_p1(settings), "Patient/p1")
    assert await command(settings) == 0
    *_, intent, completion = trail.records(journal_path(settings))
    assert (intent.body["act"], intent.body["tool"]) == ("audit_read", "audit reconcile")
    told = {name: completion.body[name] for name in ("outcome", "rows", "events_seen", "complete")}
    assert told == {"outcome": "ok", "rows": 1, "events_seen": 1, "complete": True}


async def test_a_call_that_its_process_did_not_live_to_complete_is_of_unknown_outcome(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(open_journal(settings)) as journal:
        context = Context(session="s1", identity=Identity("dr.grey"), fhir_base=settings.fhir)
        Recorder(journal, context).begin("fhir_read", {}, "Patient/p1")
    assert await command(settings) == 0
    assert "Not in the EMR's trail: 1 unknown outcome\n" in capsys.readouterr().out


async def test_an_emr_that_cannot_be_asked_is_a_failure(
    settings: Settings, emr: ScriptedEmr, capsys: pytest.CaptureFixture[str]
) -> None:
    read_p1(settings)
    emr.instead = lambda _: (403, {})
    assert await command(settings) == 1
    problem = f"NOT ALL WAS COMPARED: {emr.base} answered 403 Forbidden when asked for its AuditEvents"
    assert problem in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--since", "--until"])
@pytest.mark.parametrize("text", ["yesterday", "0001-01-01", "9999-12-31", ""])
def test_a_time_that_is_none_is_refused(flag: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "reconcile", "--since", "2026-11-23", flag, text])
    assert f"{text!r} is no date or time such as" in capsys.readouterr().err


async def test_a_period_that_ends_before_it_begins_is_refused(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    read_p1(settings)
    assert await command(settings, "--until", "2001-01-01") == 2
    assert "--until must come after --since." in capsys.readouterr().err


SESSIONS = {
    "renae-homenick": [
        "What was the last HbA1c?",
        "Which medications does she take?",
        "Any allergies?",
        "How did her weight develop over the last 5 years?",
        "When was the last visit?",
    ],
    "clint-waters": [
        "Latest blood pressure?",
        "Which conditions are active?",
        "What procedures were done in 2019?",
        "Which vaccinations were given?",
        "Is there a note about his knee?",
        "Last potassium?",
    ],
    "moshe-huel": [
        "Which allergies are recorded?",
        "Show the last imaging report.",
        "What is the latest creatinine?",
    ],
    "will-cole": [
        "When was he born?",
        "What was the last ferritin?",
        "What care plans are there?",
        "Summarise the chart.",
    ],
}


async def ask_20(navigator: Navigator) -> None:
    """Twenty questions about five patients, one found by name and one who is not there, and refused reads."""
    for patient, questions in SESSIONS.items():
        for question in questions:
            answer = await navigator.ask(question, patient=patient)
            assert answer.status in ("answered", "not_in_chart")
    assert (await navigator.ask("How old is she?", find="Homenick")).status == "answered"
    assert (await navigator.ask("How old is she?", patient="nobody-here")).status == "failed"
    async with navigator.conversation(patient="renae-homenick") as conversation:
        for reference in ("Patient/clint-waters", "Observation/nonesuch"):
            read = Action(tool="fhir_read", arguments={"reference": reference})
            assert (await conversation.toolbox.call(read, {})).error == "patient_locked"


def last_call(settings: Settings, tool: str) -> str:
    """The id of the last call of a tool."""
    records = trail.records(journal_path(settings))
    return [record.id for record in records if record.body.get("tool") == tool][-1]


@pytest.fixture
async def on_hapi(hapi_turn: None, hapi_base: str, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings for a navigator on the real HAPI; what it delivered there is removed at the end.

    Else others would find a Device more; and with that alone removed, a patient's `$everything`, which holds
    the AuditEvents that refer to it, would fail (HAPI-1096).
    """
    settings, _ = load({"data_dir": tmp_path, "fhir": hapi_base, "user": "dr.grey"}, {})
    yield settings
    with trail.reading(journal_path(settings)) as db:
        rows = db.execute(
            "SELECT 'AuditEvent/' || id FROM outbox UNION ALL SELECT 'Device/' || id FROM device"
        )
        delivered = [url for (url,) in rows]
    async with httpx.AsyncClient(base_url=hapi_base, trust_env=False) as http:
        for url in delivered:
            assert (await http.delete(url)).is_success


@pytest.mark.hapi
async def test_on_hapi_every_event_and_every_call_is_accounted_for_until_one_comes_behind_the_trails_back(
    on_hapi: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = on_hapi
    began = datetime.now().astimezone().isoformat()
    async with open_navigator(settings) as navigator:
        await ask_20(navigator)

    async def reconciled() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What is not accounted for since the session began, and the summary."""
        await command(settings, "--json", "--since", began)
        *lines, last = map(json.loads, capsys.readouterr().out.splitlines())
        return [line for line in lines if not line["accounted"]], last["summary"]

    unaccounted, summary = await reconciled()
    assert unaccounted == []
    assert summary["complete"]
    assert summary["calls"] == sum(
        record.body.get("act") == "tool_call" for record in trail.records(journal_path(settings))
    )
    assert summary["events"] > summary["calls"] > 40
    assert set(summary["reasons"]) == {"metadata", "empty search", "error", "refused before any request"}

    reused = last_call(settings, "observations")
    async with httpx.AsyncClient(base_url=settings.fhir, trust_env=False) as http:
        for headers, url in (
            ({"User-Agent": CLIENT, "X-Request-ID": "behind-the-back"}, "Patient/clint-waters"),
            ({"X-Request-ID": reused}, "Condition?patient=clint-waters"),
        ):
            assert (await http.get(url, headers=headers)).status_code == 200
    unaccounted, summary = await reconciled()
    assert not summary["complete"]
    assert [(line["request_id"], line["asked"]) for line in unaccounted] == [
        ("behind-the-back", "read Patient/clint-waters"),
        (reused, "search Condition"),
    ]
