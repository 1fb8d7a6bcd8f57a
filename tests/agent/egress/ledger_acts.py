"""Acts as the audit trail gives them, of questions that went to a hosted model and of others that did not."""

from typing import Any

from tests.agent.test_replay import act

HOSTED = {"name": "claude-opus-5-5", "revision": "", "quantisation": "", "digest": ""}
LOCAL = {"name": "medgemma-27b-it", "revision": "r1", "quantisation": "nf4", "digest": ""}


def escalation(seq: int, **more: Any) -> dict[str, Any]:
    """What left, as agent.escalation records it."""
    told = {
        "recipient": "https://models.example/v1/messages",
        "host": "models.example",
        "model": HOSTED,
        "policy": "deidentified",
        "agreement": "BAA-2026-7",
        "retention": "30 days",
        "region": "us",
        "workflow": "ask",
        "data_classes": ["question", "records"],
        "fields": {"PERSON": 2, "DATE": 5},
        "tokens_in": 1000,
        "tokens_out": 100,
        "cost": 0.006,
        "payload_sha256": "ab" * 32,
        "bytes": 4211,
        "consent": "dr.grey",
        "replied": True,
        "left_the_building": True,
    }
    return act(seq, "escalation", **{**told, **more})


def step(seq: int, **more: Any) -> dict[str, Any]:
    """A step of a model in the building."""
    told = {"model": LOCAL, "target": "local", "prompt": 1000, "completion": 100, "cached": 400, "cost": 0.0}
    return act(seq, "model_step", **{**told, **more})


def question(seq: int, until: int | None, **more: Any) -> dict[str, Any]:
    """A question whose end is the record `until`."""
    return act(seq, "question", done_seq=until, model=LOCAL, **more)
