"""Acts with bodies of any kind: odd strings, empty lists, hostile claims."""

from typing import Any

from hypothesis import strategies as st

from mcp_servers.audit.events.auditevent import devices, events

from .balp import Event
from .shapes import intent_of

ODD_TEXTS = ["", " ", "\x00\x07", "Patient/p1", "Patient/", "a\ud7ff\n", "\u202e", "\ufffe", "\x85", "<b>"]
TEXT = st.text(max_size=12) | st.sampled_from(ODD_TEXTS)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def some_of(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of those names."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


META = JSON | st.builds(
    lambda meta, model: {**meta, "model": model},
    some_of("step", "target", "policy_version", "traceparent"),
    JSON | some_of("name", "revision", "quantisation", "digest"),
)
FACTS = some_of(
    "recipient", "agreement", "bytes", "reason", "client", "format", "records", "escalation", "about"
)
PATIENTS = st.lists(TEXT | st.from_regex(r"Patient/p[0-9]", fullmatch=True), max_size=4)
REQUESTS = st.lists(st.builds(lambda url: {"method": "GET", "url": url}, TEXT), max_size=2)
ACTS = st.sampled_from(
    [
        "tool_call", "escalation", "re_identification", "refusal", "break_glass", "sign_in", "export",
        "audit_read",
    ]
)  # fmt: skip


@st.composite
def odd_acts(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """The events of an act and the Devices that they refer to."""
    tool = draw(st.sampled_from(["fhir_read", "observations"]) | TEXT)
    facts = {"tool": tool, "user": draw(TEXT), "server": draw(TEXT), "meta": draw(META), **draw(FACTS)}
    intent = intent_of(draw(ACTS), draw(st.none() | TEXT), facts)
    body = {
        "outcome": draw(st.sampled_from(["ok", "refused", "failed", "unknown"])),
        "rows": 1,
        "refs": draw(PATIENTS),
        "patients": draw(PATIENTS),
        "result_sha256": "",
        "error": draw(st.none() | TEXT),
    }
    asked = draw(some_of("arguments", "payload", "query"))
    said = {"requests": draw(REQUESTS)}
    made = events(intent, asked, body, said, at="2026-11-22T08:00:00.050Z", seq=2, previous="1" * 64)
    return made, devices(intent)
