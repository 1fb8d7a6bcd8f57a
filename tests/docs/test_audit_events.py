"""docs/audit-events.md: every AuditEvent on it is what the code makes."""

import json

import pytest

from tests.docs.audit_event_shapes import PAGE, made, shown
from tests.mcp_servers.audit.balp import violations

SHOWN = shown(PAGE.read_text(encoding="utf-8"))


def test_the_page_shows_every_kind_of_event() -> None:
    assert set(SHOWN) == {
        "Device",
        "PatientQuery",
        "PatientRead",
        "escalation",
        "re-identification",
        "refusal",
        "break-glass",
    }


@pytest.mark.parametrize("shape", SHOWN)
def test_what_is_shown_is_what_the_code_makes(shape: str) -> None:
    assert SHOWN[shape].rstrip("\n") == made(shape), "run `python -m tests.docs.audit_event_shapes`"
    event = json.loads(SHOWN[shape])
    assert event["resourceType"] == "Device" or violations(event) == []
