"""The navigator over the charts that are asked about: the sample charts and fresh ones, or a server's."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

import httpx
from platformdirs import user_cache_path

from agent.app import Navigator, open_journal, open_model, open_navigator
from agent.config import Settings, load
from agent.messages import Answer
from evals.gold.records import Resource
from fhir_fixtures import charts
from fhir_fixtures.generate.generators import AS_OF
from fhir_fixtures.generate.life_long import LEFT_OUT
from fhir_fixtures.generate.references import name_of, rewritten
from fhir_fixtures.generate.scaled import ScaledCharts
from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.access.client import FhirClient

NOW = datetime.fromisoformat(f"{charts.as_of()[:10]}T12:00:00+00:00")
PATIENTS = 5  # fresh charts from birth to today, some four seconds each to make
SIZES = (1_000, 2_500)  # resources of the charts that are made of other charts' records
SEED = 2027
CACHE = user_cache_path("ehr-navigator") / "evals"


@dataclass(frozen=True)
class Everyone:
    """The sample charts and the fresh ones of a seed, as a store takes its samples."""

    fresh: list[Resource]

    def resources(self) -> Iterator[Resource]:
        """Every resource, once."""
        seen = set()
        for resource in chain(charts.resources(), self.fresh):
            if name_of(resource) not in seen:
                seen.add(name_of(resource))
                yield resource

    def digest(self) -> str:
        """Changes with any of them."""
        return hashlib.sha256(f"{charts.digest()} {[one['id'] for one in self.fresh]}".encode()).hexdigest()


def fresh(seed: int) -> list[Resource]:
    """Charts that nobody has seen: of the samples' records, and, with the `generate` extra, from Synthea.

    They are kept in the user's cache, since making them takes half a minute.
    """
    kept = CACHE / f"fresh-{seed}{'-synthea' if shutil.which('synthea') else ''}.ndjson"
    if not kept.exists():
        made = [*ScaledCharts(SIZES, seed).resources(), *_synthetic(seed)]
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def _synthetic(seed: int) -> Iterator[Resource]:
    program = shutil.which("synthea")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        ends = AS_OF.replace("-", "")
        command = f"generate -p {PATIENTS} -s {seed} --clinician-seed {seed} -r {ends} -o {folder}"
        environment = {"PATH": str(Path(program).parent), "TZ": "UTC", "PYTHONHASHSEED": "0"}
        subprocess.run([program, *command.split()], check=True, capture_output=True, env=environment)
        found: dict[str, Resource] = {}
        for path in sorted(Path(folder).glob("fhir/*.json")):
            entries = json.loads(path.read_text("utf-8"))["entry"]
            names = {entry["fullUrl"]: name_of(entry["resource"]) for entry in entries}
            for entry in entries:
                if entry["resource"]["resourceType"] not in LEFT_OUT:
                    resource = rewritten(entry["resource"], names.__getitem__)
                    found.setdefault(name_of(resource), resource)
    yield from found.values()


@asynccontextmanager
async def navigator(settings: Settings, samples: Everyone) -> AsyncIterator[Navigator]:
    """A navigator over the embedded store with these charts, or over the server that the settings name."""
    if settings.fhir:
        async with open_navigator(settings) as opened:
            yield opened
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    store = open_store(CACHE / f"{samples.digest()}.sqlite", samples, check_references=False)
    try:
        transport = httpx.ASGITransport(create_app(store), raise_app_exceptions=False)
        async with (
            open_model(settings) as model,
            httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http,
        ):
            with closing(open_journal(settings)) as journal:
                yield Navigator(settings, http, FhirClient(http), journal, model, lambda _: None)
    finally:
        store.close()


def settings_of(folder: str, model: str | None, fhir: str | None) -> Settings:
    """The settings of a run: its present is the charts' own."""
    settings, _ = load({"model": model, "fhir": fhir, "now": NOW.isoformat(), "data_dir": folder})
    return settings


async def answers(opened: Navigator, asked: Iterable[tuple[str, list[str]]]) -> list[list[Answer]]:
    """The answers to each chain of questions about a patient, a session a chain."""
    given = []
    for patient, texts in asked:
        async with opened.conversation(patient=patient) as conversation:
            given.append([await conversation.ask(text) for text in texts])
    return given
