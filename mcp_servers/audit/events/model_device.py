"""A model as a FHIR Device, to which AuditEvents refer: its name, revision, quantisation and digest."""

import hashlib
import json
from typing import Any

PARTS = ("name", "revision", "quantisation", "digest")


def model_of(meta: dict[str, Any]) -> dict[str, str] | None:
    """What the client said of its model in `meta`, trimmed; None when it said nothing."""
    claimed = meta.get("model")
    if not isinstance(claimed, dict):
        claimed = {"name": claimed}
    model = {part: str(claimed.get(part) or "").strip() for part in PARTS}
    return model if any(model.values()) else None


def device(model: dict[str, str]) -> dict[str, Any]:
    """The model's Device; one id for one model, on every server."""
    digest = hashlib.sha256(json.dumps([model[part] for part in PARTS]).encode()).hexdigest()
    found: dict[str, Any] = {
        "resourceType": "Device",
        "id": f"model-{digest[:20]}",
        "identifier": [{"value": model["digest"]}],
        "deviceName": [{"name": _name(model), "type": "model-name"}],
        "type": {"text": "model"},
        "version": [{"value": model["revision"]}],
        "property": [{"type": {"text": "quantisation"}, "valueCode": [{"text": model["quantisation"]}]}],
    }
    absent = {"identifier": "digest", "version": "revision", "property": "quantisation"}
    return {name: value for name, value in found.items() if name not in absent or model[absent[name]]}


def device_name(model: dict[str, str]) -> str:
    """`name@revision (quantisation)`."""
    revision, quantisation = model["revision"], model["quantisation"]
    return (
        _name(model) + (f"@{revision}" if revision else "") + (f" ({quantisation})" if quantisation else "")
    )


def _name(model: dict[str, str]) -> str:
    return model["name"] or "unnamed"
