"""A session of the audit trail, told for a person in lines of a terminal."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from agent.purposes import PURPOSES
from agent.rendering import plain

WIDTH = 100
GIST = 160  # characters of an answer that a step gave; the one that was given stands in full
MOST_REFS = 12  # in a line; `--json` has them all
KNOWN_BY = {
    "system_account": "the account of the machine",
    "setting": "by a setting",
    "token": "by a token",
    "sign_in": "signed in",
}
UNREADABLE = {
    "erased": "(erased: what was said here was kept for its time, then its key was destroyed)",
    "no key": "(unreadable: it was sealed with a key that is not at hand)",
    "sealed": "(sealed)",
}

Act = Mapping[str, Any]  # as mcp_servers.audit.asking.acts.opened gives it


def replay(acts: Iterable[Act]) -> Iterator[str]:
    """The session that these acts make, in the order in which they began: head, acts, and a summary."""
    asked: list[Act] = []  # questions whose answers are still to be told
    told = _Summary()
    for act in acts:
        if not told.acts:
            yield from _head(act)
        while asked and _over(asked[-1], act):
            yield from _answer(asked.pop())
        told.add(act)
        yield ""
        yield from _of_act(act, bool(asked))
        if act["act"] == "question":
            asked.append(act)
    for one in reversed(asked):
        yield from _answer(one)
    yield from told.lines()


def model_name(model: Any) -> str:
    """`name revision (quantisation)` of a model as it was recorded; empty for none."""
    if not isinstance(model, Mapping):
        return str(model or "")
    named = " ".join(str(model[part]) for part in ("name", "revision") if model.get(part))
    return named + (f" ({model['quantisation']})" if model.get("quantisation") else "")


def model_of(act: Act) -> str:
    """The model that took part in an act; empty where none is on record."""
    meta = act.get("meta")
    return model_name(act.get("model") or (meta.get("model") if isinstance(meta, Mapping) else None))


def purpose(code: str) -> str:
    """A purpose of use in words."""
    return f"{code} ({PURPOSES[code]})" if code in PURPOSES else code


class _Summary:
    """What there was of a session, once all of it was told."""

    def __init__(self) -> None:
        self.acts = 0
        self.outcomes: Counter[str] = Counter()
        self.patients: dict[str, None] = {}
        self.left: list[str] = []
        self.models: dict[str, None] = {}
        self.waiting = 0
        self.own_client = True

    def add(self, act: Act) -> None:
        self.acts += 1
        self.outcomes[act["outcome"]] += 1
        self.patients.update(dict.fromkeys(act["patients"]))
        self.left += [_whereto(act)] if act["left_the_building"] else []
        self.own_client &= act["own_client"]
        self.models.update({model: None for model in [model_of(act)] if model})
        self.waiting += sum(event["state"] != "delivered" for event in act["events"])

    def lines(self) -> Iterator[str]:
        if not self.acts:
            return
        yield ""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())
        yield from _wrapped(f"{self.acts} acts: {outcomes}.")
        yield from _wrapped(f"Patients: {_several(list(self.patients)) or 'none'}.")
        yield from _wrapped(f"Models: {', '.join(self.models) or 'none named'}.")
        if not self.own_client:
            yield from _wrapped(
                "Some of it was read by an MCP client of others: where its model runs is not on this trail."
            )
        if self.left:
            yield from _wrapped(f"LEFT THE BUILDING: {'; '.join(dict.fromkeys(self.left))}.")
        else:
            yield from _wrapped("Nothing of it was sent out of the building by this program.")
        if self.waiting:
            yield from _wrapped(f"{self.waiting} AuditEvents of it are not in the FHIR store.")


def _head(first: Act) -> Iterator[str]:
    yield f"Session {first['session']}"
    known = KNOWN_BY.get(first.get("known_by", ""), "")
    yield from _wrapped(
        f"{_day(first['at'])}, {first['user']}{f' ({known})' if known else ''},"
        f" for {purpose(first['purpose_of_use'])}, through {first['server']}, at {first['fhir']}",
        2,
    )


def _of_act(act: Act, within: bool) -> Iterator[str]:
    """An act, further in where it is part of a question's way."""
    tell = {"question": _question, "model_step": _model_step, "tool_call": _tool_call}.get(act["act"], _other)
    indent = 2 if within else 0
    yield from tell(act, indent)
    yield from _missing(act, indent + 4)
    for event in act["events"]:
        where = "not there yet" if event["state"] == "pending" else event["state"]
        why = f": {event['diagnostics']}" if event["diagnostics"] else ""
        yield from _wrapped(f"AuditEvent/{event['id']} {where}{why}", indent + 4)


def _question(act: Act, indent: int) -> Iterator[str]:
    asked = (act["asked"] or {}).get("question", "")
    title = "Second opinion on" if act.get("second_opinion") else "Question"
    yield from _wrapped(f"{_time(act)}  {title}: {asked}", indent, 4)


def _answer(act: Act) -> Iterator[str]:
    answer = (act["said"] or {}).get("answer") or {}
    yield ""
    if act["until"] is None:
        yield from _wrapped("No answer is on record: the question is open, or the program was ended.", 0, 4)
        return
    took = f" after {act['ms'] / 1000:.1f} s" if act.get("ms") is not None else ""
    by = f", by {name}" if (name := model_of(act)) else ""
    status = str(act.get("status") or act["outcome"]).replace("_", " ")
    yield from _wrapped(f"{act['until'][11:23]}  Answer, {status}{by}{took}:", 0, 4)
    yield from _wrapped(str(answer.get("answer") or UNREADABLE.get(act["content"], "(none)")), 4)
    for citation in answer.get("citations", []):
        yield from _wrapped(f"[{citation['ref']}] {citation['label']}", 6, 2)
    yield from _wrapped(
        f"{act.get('checked', 0)} claims held against the records, {act.get('unsupported', 0)} unsupported",
        4,
    )
    for claim in answer.get("grounding", {}).get("claims", []):
        if claim["verdict"] != "supported":
            yield from _wrapped(
                f'{claim["verdict"]}: {claim["kind"]} "{claim["text"]}": {claim["why"]}', 6, 2
            )
    if act["error"]:
        yield from _wrapped(f"ended with {act['error']}", 4)


def _model_step(act: Act, indent: int) -> Iterator[str]:
    reason = (act["said"] or {}).get("reason")
    why = f" ({reason})" if reason else ""
    step = f"Step {act['step']}" if act.get("step") is not None else "Step"
    yield from _wrapped(
        f"{_time(act)}  {step}: {model_of(act)} as the {act.get('target', '')} model{why}{_failed(act)}",
        indent,
        4,
    )
    taken = (act["said"] or {}).get("step") or {}
    if taken.get("thought"):
        yield from _wrapped(f"thought: {taken['thought']}", indent + 4, 2)
    for action in taken.get("actions", []):
        if action["tool"] == "answer":
            said = textwrap.shorten(str(action["arguments"].get("text", "")), GIST, placeholder=" ...")
            yield from _wrapped(f"answers: {said}", indent + 4, 2)
        else:
            yield from _wrapped(f"asks for {_call(action['tool'], action['arguments'])}", indent + 4, 2)


def _tool_call(act: Act, indent: int) -> Iterator[str]:
    arguments = (act["asked"] or {}).get("arguments")
    rows = f", {act['rows']} row{'' if act['rows'] == 1 else 's'}" if act["outcome"] == "ok" else ""
    took = f", {act['ms']:.0f} ms" if act.get("ms") is not None else ""
    call = _call(act["tool"], arguments) if arguments is not None else f"{act['tool']}(...)"
    by = "" if act["own_client"] else f"; asked for by a client, with {model_of(act) or 'no model named'}"
    yield from _wrapped(f"{_time(act)}  {call}: {act['outcome']}{rows}{took}{by}{_why(act)}", indent, 4)
    for request in (act["said"] or {}).get("requests", []):
        status = request["status"] if request["status"] is not None else "no answer"
        yield from _wrapped(f"{request['method']} {request['url']} -> {status}", indent + 4, 2)
    if act.get("refs"):
        yield from _wrapped(f"read {_several(act['refs'])}", indent + 4, 2)


def _other(act: Act, indent: int) -> Iterator[str]:
    """An escalation, a refusal, an export and the like: its facts, and what was said."""
    shouted = act["act"].replace("_", " ")
    named = shouted.upper() if act["left_the_building"] else shouted.capitalize()
    yield from _wrapped(f"{_time(act)}  {named}: {act['outcome']}{_why(act)}", indent, 4)
    for name in ("tool", "recipient", "agreement", "policy_version", "bytes", "restored", "reason", "rule",
                 "client", "format", "records", "rows"):  # fmt: skip
        if act.get(name):
            yield from _wrapped(f"{name.replace('_', ' ')}: {act[name]}", indent + 4, 2)
    for name, value in {**(act["asked"] or {}), **(act["said"] or {})}.items():
        if value:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield from _wrapped(f"{name}: {text}", indent + 4, 2)


def _missing(act: Act, indent: int) -> Iterator[str]:
    """What of an act is not there, and why."""
    if act["content"] in UNREADABLE:
        yield from _wrapped(UNREADABLE[act["content"]], indent)
    if act["outcome"] == "open" and act["act"] != "question":
        yield from _wrapped("(not completed: it is under way, or the program ended meanwhile)", indent)
    if act["outcome"] == "unknown":
        yield from _wrapped("(a gap: the program ended before this did; what came of it is unknown)", indent)


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    if not isinstance(arguments, Mapping):
        return f"{tool}({arguments})"
    given = (
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in arguments.items()
        if value is not None
    )
    return f"{tool}({', '.join(given)})"


def _whereto(act: Act) -> str:
    return f"{act['at'][:19]}Z to {act.get('recipient') or model_of(act) or 'a hosted model'}"


def _failed(act: Act) -> str:
    return "" if act["outcome"] == "ok" else f": {act['outcome']}{_why(act)}"


def _why(act: Act) -> str:
    return f" ({act['error']})" if act.get("error") else ""


def _several(names: list[str]) -> str:
    more = len(names) - MOST_REFS
    return ", ".join(names[:MOST_REFS]) + (f" and {more} more" if more > 0 else "")


def _over(question: Act, act: Act) -> bool:
    """Whether a question was answered before an act began."""
    return question["done_seq"] is not None and bool(question["done_seq"] < act["seq"])


def _day(at: str) -> str:
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def _time(act: Act) -> str:
    return str(act["at"][11:23])


def _wrapped(text: str, indent: int = 0, hanging: int = 0) -> Iterator[str]:
    """Lines of at most WIDTH columns; what a chart or a client said moves no cursor."""
    for number, line in enumerate(plain(text).splitlines() or [""]):
        start = " " * (indent + (hanging if number else 0))
        yield from textwrap.wrap(
            line,
            WIDTH,
            initial_indent=start,
            subsequent_indent=" " * (indent + hanging),
            break_on_hyphens=False,
        )
