"""The chart tools over the sample charts, without a server: the same projections on the same records."""

import json
import lzma
from collections.abc import Callable
from functools import cache
from typing import Any

from agent.messages import (
    Action,
    Message,
    QuestionMessage,
    ResultsMessage,
    StepMessage,
    SystemMessage,
    ToolResult,
)
from agent.models.offline import OfflinePlanner
from fhir_fixtures import charts as samples
from mcp_servers.fhir import charts, terminology
from mcp_servers.fhir.tools.records import _NAMED
from tests.mcp_servers.fhir.charts.whole import overview

NOW = samples.as_of()


SET_OF = {f"Patient/{one.id}": one.set for one in samples.patients()}


@cache
def _records(of_set: str) -> dict[str, dict[str, Any]]:
    """The records of one set of charts by `Type/id`: the big sets take seconds to read."""
    file = next(one["file"] for one in samples.manifest()["sets"] if one["name"] == of_set)
    with lzma.open(samples.HERE / file, "rt", encoding="utf-8") as lines:
        return {f"{one['resourceType']}/{one['id']}": one for one in map(json.loads, lines)}


@cache
def _chart(patient: str) -> list[dict[str, Any]]:
    return [one for one in _records(SET_OF[patient]).values() if _subject(one) == patient]


def _subject(record: dict[str, Any]) -> object:
    subject = record.get("subject") or record.get("patient")
    return subject.get("reference") if isinstance(subject, dict) else None


def call(patient: str, action: Action, now: str = NOW) -> ToolResult:
    """The result of one tool call on a sample patient's chart, with the envelope that the server makes."""
    return call_on(_chart(patient), _records(SET_OF[patient]), patient, action, now)


def call_on(
    chart: list[dict[str, Any]], included: dict[str, dict[str, Any]], patient: str, action: Action, now: str
) -> ToolResult:
    """The result of one tool call on those records, `included` by `Type/id` where they refer to others."""
    arguments = {name: value for name, value in action.arguments.items() if name not in ("limit", "cursor")}
    if action.tool == "list_records":
        kind = arguments.pop("kind")
        wording = terminology.wording(arguments["text"], _NAMED[kind]) if "text" in arguments else None
        found = charts.list_records(kind, chart, included=included, now=now, wording=wording, **arguments)
        if kind in charts.REPEATED and not {"text", "code"} & arguments.keys():
            found = found._replace(rows=charts.distinct(found.rows).rows)
    elif action.tool == "observations":
        try:
            found = charts.observations(chart, now=now, **arguments)
        except charts.Ambiguous as several:
            text = f"[invalid_request] {several}"
            return ToolResult(
                tool=action.tool, arguments=action.arguments, text=text, error="invalid_request"
            )
    elif action.tool == "fhir_read":
        row = {"ref": arguments["reference"], "resource": included[arguments["reference"]]}
        data = {"finding": "recorded", "rows": [row], "total": 1, "truncated": False, "notes": []}
        return ToolResult(tool=action.tool, arguments=action.arguments, text="", data=data)
    else:
        found = overview(included[patient], chart, included=included, now=now)
    limit, start = action.arguments.get("limit", 50), int(action.arguments.get("cursor", 0))
    rows = found.rows[start : start + limit]
    end = start + len(rows)
    data = {
        "finding": found.finding,
        "rows": rows,
        "total": len(found.rows),
        "returned": len(rows),
        "truncated": end < len(found.rows),
        "cursor": str(end) if end < len(found.rows) else None,
        "notes": found.notes,
        "as_of": now,
    }
    return ToolResult(tool=action.tool, arguments=action.arguments, text="", data=data)


async def ask(
    planner: OfflinePlanner, patient: str, *questions: str, now: str = NOW
) -> tuple[dict[str, Any], list[ToolResult]]:
    """The answer to the last question, and all results on the way; earlier ones were asked before it."""
    return await ask_of(lambda action: call(patient, action, now), planner, patient, *questions, now=now)


async def ask_of(
    bring: Callable[[Action], ToolResult],
    planner: OfflinePlanner,
    patient: str,
    *questions: str,
    now: str = NOW,
) -> tuple[dict[str, Any], list[ToolResult]]:
    """The same, with results that `bring` brings."""
    messages: list[Message] = [SystemMessage(text="", patient=patient, now=now)]
    messages += [QuestionMessage(text=question) for question in questions]
    results: list[ToolResult] = []
    while True:
        step = (await planner.next_step(messages, {}, [])).step
        if step.actions[0].tool == "answer":
            return step.actions[0].arguments, results
        brought = tuple(bring(action) for action in step.actions)
        results += brought
        messages += [StepMessage(step=step), ResultsMessage(results=brought)]
