"""A thousand canaries over whole sessions: the hosted stand-in asks for everything, and keeps each byte."""

import base64
import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.app import Navigator
from agent.config import Settings
from agent.messages import Answer, Image
from agent.models.offline import OfflinePlanner
from fhir_fixtures.store import create_app, open_store
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.fhir.access.client import FhirClient
from tests.agent.canaries import Planted, charts
from tests.agent.hosted_standin import Standin, answer

KINDS = (
    "problems", "medications", "allergies", "immunizations", "procedures", "encounters", "reports",
    "documents", "imaging", "orders", "care_plans", "goals", "devices", "family_history",
    "social_history", "care_team", "coverage",
)  # fmt: skip
TYPES = (
    "Patient",
    "RelatedPerson",
    "Coverage",
    "Device",
    "Encounter",
    "Condition",
    "MedicationRequest",
    "Observation",
)


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


EVERYTHING = [
    call("chart_overview"),
    *(call("list_records", kind=kind, status="all") for kind in KINDS),
    *(call("fhir_search", resource_type=kind, parameters=[], full=True) for kind in TYPES),
    call("fhir_search", resource_type="DocumentReference", parameters=[]),
    *(call("search_notes", text=words) for words in ("neighbor", "MRN", "serial", "portal", "pastor")),
    call("observations", name="hba1c", mode="series"),
    call("lookup_code", text="diabetes"),
    call("query_chart", sql="SELECT * FROM patient"),
    call("query_chart", sql="SELECT ref, code_text FROM condition"),
]
STEPS = [EVERYTHING[at : at + 4] for at in range(0, len(EVERYTHING), 4)]


class Samples:
    """The charts that the store begins with."""

    def __init__(self, planted: Iterable[Planted]) -> None:
        self._resources = [resource for chart in planted for resource in chart.resources]

    def resources(self) -> Iterable[dict[str, Any]]:
        return self._resources

    def digest(self) -> str:
        return f"{zlib.crc32(repr(self._resources).encode()):08x}"


def asking_for_everything() -> Callable[[str], dict[str, Any]]:
    """Steps that call every tool, and then an answer."""
    left = list(STEPS)

    def steps(_: str) -> dict[str, Any]:
        if left:
            return {"thought": "", "actions": left.pop(0)}
        return answer("That is all that I found.")

    return steps


@asynccontextmanager
async def navigator(folder: Path, planted: list[Planted], **values: Any) -> AsyncIterator[Navigator]:
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "now": "2026-11-01",
            "user": "dr",
            "max_hops": 50,
            "max_tokens": 10_000_000,
            **values,
        }
    )
    key = folder / "audit.key"
    key.write_bytes(base64.urlsafe_b64encode(b"a" * 32))
    key.chmod(0o600)
    with closing(open_store(folder / "charts.sqlite", Samples(planted), check_references=False)) as store:
        transport = httpx.ASGITransport(create_app(store))
        async with httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http:
            with closing(Journal(folder / "audit.sqlite", [Key(b"a" * 32)])) as journal:
                yield Navigator(settings, http, FhirClient(http), journal, OfflinePlanner(), lambda _: None)


def leaked(canaries: Iterable[tuple[str, str]], seen: str) -> list[tuple[str, str]]:
    """The canaries that stand in what was seen, in any case, and numbers whatever divides their digits."""
    low = seen.lower()
    digits = re.sub(r"(?<=\d)[\s().+/-]{1,3}(?=\d)", "", low)
    found = []
    for kind, value in canaries:
        bare = re.sub(r"[\s().+/-]", "", value.lower())
        if value.lower() in low or (bare.isdigit() and len(bare) > 6 and kind != "date" and bare in digits):
            found.append((kind, value))
    return found


async def ask(folder: Path, chart: Planted, standin: Standin, **values: Any) -> Answer:
    settings = {"hosted_model": "openai:frontier-1", "hosted_url": standin.url, **values}
    async with navigator(folder, [chart], **settings) as opened:
        return await opened.ask("What was the last HbA1c?", patient=chart.patient, hosted=True)


@pytest.mark.anyio
@pytest.mark.parametrize("patients", [1, pytest.param(10, marks=pytest.mark.large)])
async def test_of_a_thousand_canaries_none_leaves_deidentified(tmp_path: Path, patients: int) -> None:
    planted = list(charts())[:patients]
    kinds = Counter(kind for chart in planted for kind, _ in chart.canaries)
    assert sum(kinds.values()) >= 160 * patients
    assert len(kinds) == 17  # of the 18 the last, full-face photographs, are images: these stay
    out = []
    for number, chart in enumerate(planted):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Standin(asking_for_everything()) as standin:
            given = await ask(folder, chart, standin, escalation="deidentified")
            assert given.route, given.answer
            assert given.route[-1].target == "escalation", given.route[-1].reason
            assert len(given.tool_calls) == len(EVERYTHING)
            out += leaked(chart.canaries, standin.seen)
            assert "Metformin 500 mg" in standin.seen
            assert "7.1" in standin.seen
    assert out == []


@pytest.mark.anyio
async def test_under_never_none_leaves_since_nothing_does(tmp_path: Path) -> None:
    (chart, *_) = charts()
    with Standin(asking_for_everything()) as standin:
        given = await ask(tmp_path, chart, standin)
        assert given.status == "answered"
        assert standin.seen == ""


@pytest.mark.anyio
async def test_the_canaries_sing_where_they_may(tmp_path: Path) -> None:
    """Under an agreement most of them arrive: the test above can fail."""
    (chart, *_) = charts()
    with Standin(asking_for_everything()) as standin:
        await ask(tmp_path, chart, standin, escalation="agreement", hosted_agreement="BAA-7")
        assert len(leaked(chart.canaries, standin.seen)) > 0.7 * len(chart.canaries)


@pytest.mark.anyio
@pytest.mark.parametrize("escalation", ["never", "deidentified"])
async def test_a_session_with_an_image_stays_here_and_the_image_with_it(
    tmp_path: Path, escalation: str
) -> None:
    (chart, *_) = charts()
    image = Image(media_type="image/png", data=b"\x89PNG Tevmurkoq")
    with Standin(asking_for_everything()) as standin:
        settings = {"hosted_model": "openai:frontier-1", "hosted_url": standin.url, "escalation": escalation}
        async with navigator(tmp_path, [chart], **settings) as opened:
            given = await opened.ask(
                "What was the last HbA1c?", patient=chart.patient, images=[image], hosted=True
            )
        assert {entry.target for entry in given.route} == {"local"}
        assert standin.seen == ""
