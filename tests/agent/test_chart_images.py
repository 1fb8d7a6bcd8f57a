"""A picture of the chart with a question: fetched through the patient's lock, on the trail, and seen."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PIL", reason="the `local` extra is not installed")

from PIL import Image as Pillow

from agent.app import Navigator
from agent.errors import NotPermitted, UsageError
from agent.messages import Image
from agent.models.scripted import ScriptedModel
from mcp_servers.audit.chain import trail
from tests.agent.canaries import Planted
from tests.agent.test_canaries import navigator

pytestmark = pytest.mark.local
PATIENT, OTHER = "Patient/canary-0", "Patient/canary-1"


def png() -> bytes:
    held = io.BytesIO()
    Pillow.new("RGB", (8, 4), "white").save(held, "PNG")
    return held.getvalue()


def media(identifier: str, patient: str, **content: Any) -> dict[str, Any]:
    return {
        "resourceType": "Media", "id": identifier, "status": "completed", "subject": {"reference": patient},
        "content": {"contentType": "image/png", **content},
    }  # fmt: skip


CHART = Planted(
    PATIENT,
    [
        {"resourceType": "Patient", "id": "canary-0"},
        {"resourceType": "Patient", "id": "canary-1"},
        media("own", PATIENT, data=base64.b64encode(png()).decode()),
        media("in-binary", PATIENT, url="Binary/b"),
        {"resourceType": "Binary", "id": "b", "contentType": "image/png",
         "data": base64.b64encode(png()).decode()},
        media("elsewhere", PATIENT, url="https://pacs.example/1"),
        media("others", OTHER, data=base64.b64encode(png()).decode()),
    ],
)  # fmt: skip


class Seeing(ScriptedModel):
    """A script that keeps the images that it is shown."""

    def __init__(self) -> None:
        super().__init__([])
        self.shown: list[Image] = []

    async def next_step(self, messages: Any, schema: Any, images: list[Image], *_: Any) -> Any:
        self.shown = images
        return await super().next_step(messages, schema, images)


async def asked(opened: Navigator, reference: str, patient: str | None = PATIENT) -> Seeing:
    opened.model = model = Seeing()
    async with opened.conversation(patient=patient) as conversation:
        await conversation.ask("What does the picture show?", images=[reference])
    return model


@pytest.mark.anyio
@pytest.mark.parametrize("reference", ["Media/own", "Media/in-binary"])
async def test_a_picture_of_the_chart_is_shown_to_the_model_and_its_reading_is_on_the_trail(
    tmp_path: Path, reference: str
) -> None:
    async with navigator(tmp_path, [CHART]) as opened:
        model = await asked(opened, reference)
        (image,) = model.shown
        assert Pillow.open(io.BytesIO(image.data)).size == (8, 4)
        assert any(reference in one.body.get("refs", []) for one in trail.records(opened.journal.path))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reference", "patient", "error"),
    [
        ("Media/others", PATIENT, NotPermitted),
        ("Media/none", PATIENT, NotPermitted),
        ("Media/elsewhere", PATIENT, UsageError),
        ("Media/own", None, NotPermitted),
    ],
)
async def test_what_is_anothers_absent_or_elsewhere_is_not_shown(
    tmp_path: Path, reference: str, patient: str | None, error: type[Exception]
) -> None:
    async with navigator(tmp_path, [CHART]) as opened:
        with pytest.raises(error):
            await asked(opened, reference, patient)
