"""A model as a Device: one id for one model."""

from typing import Any

import pytest

from mcp_servers.audit.events.model_device import PARTS

from ..shapes import MODEL, models_of


def test_a_device_tells_name_revision_quantisation_and_digest() -> None:
    (device,) = models_of({"model": MODEL})
    assert device.pop("id").startswith("model-")
    assert device == {
        "resourceType": "Device",
        "identifier": [{"value": MODEL["digest"]}],
        "deviceName": [{"name": "medgemma-27b", "type": "model-name"}],
        "type": {"text": "model"},
        "version": [{"value": "r1"}],
        "property": [{"type": {"text": "quantisation"}, "valueCode": [{"text": "nf4"}]}],
    }


def test_the_same_model_has_the_same_id_and_another_another() -> None:
    ids = {device["id"] for _ in range(2) for device in models_of({"model": dict(MODEL)})}
    assert len(ids) == 1
    changed = {models_of({"model": {**MODEL, part: "other"}})[0]["id"] for part in PARTS}
    assert len(changed | ids) == 1 + len(PARTS)


@pytest.mark.parametrize("claim", ["gpt", {"name": "gpt"}, {"name": " gpt ", "revision": ""}])
def test_a_name_alone_is_enough(claim: Any) -> None:
    (device,) = models_of({"model": claim})
    assert {name for name in device if name not in ("resourceType", "id", "type")} == {"deviceName"}


def test_a_model_without_a_name_is_a_device_all_the_same() -> None:
    (device,) = models_of({"model": {"digest": "sha256:1"}})
    assert device["deviceName"] == [{"name": "unnamed", "type": "model-name"}]
