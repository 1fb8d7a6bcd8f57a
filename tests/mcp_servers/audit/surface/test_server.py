"""The audit trail as MCP tools: what an officer asks is told, bounded, and itself on the trail."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder
from mcp_servers.audit.surface.server import build_audit_server

from ..trails import BASE, RING, observe, recorder

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(journal: Journal) -> AsyncIterator[Client]:
    officer = Recorder(journal, Context("officer", Identity("po.fields", "HOPERAT"), BASE))
    async with Client(build_audit_server(journal.path, RING, officer)) as opened:
        yield opened


def ask(journal: Journal, session: str = "s1") -> None:
    """A question, as the loop records it."""
    acts = recorder(journal, session)
    question = acts.act("question", patient="Patient/p1", said={"question": "What was the last HbA1c?"})
    observe(journal, session)
    answer = {
        "answer": "7.1 % on 2026-09-14 [Observation/o1].",
        "citations": [{"ref": "Observation/o1", "label": ""}],
        "grounding": {"claims": [{"text": "7.1 %", "verdict": "supported"}]},
    }
    question.complete("ok", facts={"status": "answered"}, said={"answer": answer})


def rows(result: CallToolResult) -> list[dict[str, Any]]:
    assert result.structured_content is not None
    found: list[dict[str, Any]] = result.structured_content["rows"]
    return found


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_the_tools_only_read_and_say_so(client: Client) -> None:
    tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == {
        "find_sessions", "show_session", "patient_accesses", "verify_trail", "undelivered",
    }  # fmt: skip
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


async def test_sessions_about_a_patient_are_found_with_who_and_which_model(
    client: Client, journal: Journal
) -> None:
    ask(journal, "s1")
    observe(journal, "s2", "Patient/p2")
    (found,) = rows(await client.call_tool("find_sessions", {"patient": "Patient/p1"}))
    assert (found["session"], found["user"], found["left"]) == ("s1", "dr.grey", False)
    assert found["models"] == {"medgemma-27b@r1 (nf4)": 1}


async def test_a_session_is_replayed_with_its_question_its_reads_and_its_answer(
    client: Client, journal: Journal
) -> None:
    ask(journal)
    result = await client.call_tool("show_session", {"session": "s1"})
    question, call = rows(result)
    assert question["asked"] == {"question": "What was the last HbA1c?"}
    assert question["said"]["answer"] == "7.1 % on 2026-09-14 [Observation/o1]."
    assert question["said"]["citations"] == ["Observation/o1"]
    assert call["asked"] == {"arguments": {"name": "HbA1c"}}
    assert call["refs"] == ["Observation/o1"]
    assert call["said"]["requests"][0]["url"] == f"{BASE}/Observation?patient=p1&code=4548-4"
    assert "What was the last HbA1c?" in text(result)


async def test_who_saw_a_patient_is_told_the_newest_first_and_how_much_is_left(
    client: Client, journal: Journal
) -> None:
    for session in ("s1", "s2", "s3"):
        ask(journal, session)
    result = await client.call_tool("patient_accesses", {"patient": "Patient/p1", "limit": 2})
    assert [row["session"] for row in rows(result)] == ["s3", "s2"]
    assert rows(result)[0]["what"] == "observations"
    assert rows(result)[0]["purpose"] == "TREAT"
    assert "Note: 1 more older accesses are not shown: ask with an earlier `until`." in text(result)


async def test_a_long_session_is_told_in_parts(client: Client, journal: Journal) -> None:
    for _ in range(5):
        observe(journal)
    first = await client.call_tool("show_session", {"session": "s1", "limit": 3})
    assert len(rows(first)) == 3
    last = rows(first)[-1]["seq"]
    assert f"2 more acts are not shown: ask with `after` {last}." in text(first)
    assert len(rows(await client.call_tool("show_session", {"session": "s1", "after": last}))) == 2


async def test_nothing_found_is_said_in_words(client: Client) -> None:
    assert "No access to this patient" in text(
        await client.call_tool("patient_accesses", {"patient": "Patient/p9"})
    )
    assert "No act of such a session" in text(await client.call_tool("show_session", {"session": "s9"}))


async def test_the_state_of_the_trail_and_what_waits_are_told(client: Client, journal: Journal) -> None:
    observe(journal)
    (state,) = rows(await client.call_tool("verify_trail", {}))
    assert (state["intact"], state["calls"], state["public"]) == (True, 1, RING[0].public)
    waiting = await client.call_tool("undelivered", {})
    assert rows(waiting)[0]["state"] == "pending"
    assert f"{BASE}: " in text(waiting)


async def test_each_reading_is_on_the_trail_before_and_after_with_whom_it_told_of(
    client: Client, journal: Journal
) -> None:
    ask(journal)
    await client.call_tool("find_sessions", {"person": "dr.grey"})
    intent, completion = [*trail.records(journal.path, "officer")]
    assert (intent.body["act"], intent.body["tool"], intent.body["user"]) == (
        "audit_read", "find_sessions", "po.fields",
    )  # fmt: skip
    assert (completion.body["outcome"], completion.body["rows"]) == ("ok", 1)
    assert completion.body["about"] == ["Patient/p1"]


async def test_without_a_journal_to_write_nothing_is_read(client: Client, journal: Journal) -> None:
    ask(journal)
    journal.path.rename(journal.path.with_name("elsewhere"))
    result = await client.call_tool("patient_accesses", {"patient": "Patient/p1"})
    assert result.is_error
    assert text(result).startswith("[audit_unavailable]")


@pytest.mark.parametrize(
    "arguments",
    [
        {"patient": "p1; DROP"},
        {"patient": ""},
        {"patient": "Patient/p1", "since": "soon"},
        {"patient": "Patient/p1", "since": "2026-13-45"},
        {"patient": "Patient/p1", "until": "2026-02-30T10:00"},
    ],
)
async def test_what_cannot_be_asked_is_an_error_and_not_an_empty_answer(
    client: Client, journal: Journal, arguments: dict[str, Any]
) -> None:
    assert (await client.call_tool("patient_accesses", arguments)).is_error
    assert [*trail.records(journal.path, "officer")] == []


@pytest.mark.parametrize("since", ["", "2026", "2026-02", "2026-02-28", "2026-02-28T10:00"])
async def test_a_time_may_be_as_short_as_a_year(client: Client, since: str) -> None:
    assert not (await client.call_tool("find_sessions", {"since": since})).is_error


async def test_what_waits_is_told_in_parts(client: Client, journal: Journal) -> None:
    for _ in range(3):
        observe(journal)
    first = await client.call_tool("undelivered", {"limit": 2})
    assert len(rows(first)) == 2
    last = rows(first)[-1]["position"]
    assert f"ask with `after` {last}." in text(first)
    again = rows(await client.call_tool("undelivered", {"after": last, "limit": 2}))
    assert [row["position"] for row in again] == [
        last + 1,
        last + 2,
    ]  # the second is that of the first reading
