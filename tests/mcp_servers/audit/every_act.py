"""Every act besides the calls of tools, recorded with its outcomes."""

from mcp_servers.audit.recorder import Recorder

from .shapes import ESCALATED, LARGE

EVENTS = 10


def record_every_act(recorder: Recorder, patient: str) -> None:
    """Acts about a patient whom the FHIR server holds; they make `EVENTS` AuditEvents."""
    left = recorder.act("escalation", patient=patient, facts=ESCALATED, said={"payload": "a question"})
    left.complete("ok")
    refused = recorder.act("escalation", patient=patient, facts=ESCALATED)
    refused.complete("refused", error="NotPermitted")
    back = {"escalation": left.id, "restored": 3, "meta": {"model": LARGE, "target": "escalation"}}
    recorder.act("re_identification", patient=patient, facts=back).complete("ok")
    declined = recorder.act("refusal", patient=patient, facts={"reason": "NotPermitted"})
    declined.complete("refused", error="NotPermitted")
    opened = recorder.act("break_glass", patient=patient, said={"reason": "unconscious"})
    opened.complete("ok", patients=[patient])
    recorder.act("break_glass", patient="Patient/nobody").complete("failed", error="not_found")
    recorder.act("sign_in", facts={"client": "web"}).complete("ok")
    recorder.act("sign_in", facts={"client": "web"}).complete("refused", error="wrong token")
    sought = {"query": {"patient": patient}}
    written = recorder.act("export", patient=patient, facts={"tool": "audit export"}, said=sought)
    written.complete("ok", facts={"format": "ndjson", "records": 4, "sha256": "ef" * 32})
    recorder.act("audit_read", facts={"tool": "audit list"}, said=sought).complete("ok", rows=4)
    recorder.act("question", patient=patient, said={"question": "?"}).complete("ok")
