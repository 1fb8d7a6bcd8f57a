"""The navigator over the charts that are asked about: the sample charts and fresh ones, or a server's."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import httpx
from platformdirs import user_cache_path

from agent.app import Navigator, open_navigator
from agent.audit_access import open_journal
from agent.config import Settings, load
from agent.messages import Answer
from agent.model_access import open_model
from evals.gold.records import Resource
from fhir_fixtures import charts
from fhir_fixtures.generate.generators import AS_OF
from fhir_fixtures.generate.life_long import LEFT_OUT
from fhir_fixtures.generate.references import name_of, rewritten
from fhir_fixtures.generate.scaled import ScaledCharts
from fhir_fixtures.store import Store, create_app, open_store
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
async def navigator(settings: Settings, seed: int) -> AsyncIterator[Navigator]:
    """A navigator over the embedded store of a seed, or over the server that the settings name."""
    if settings.fhir:
        async with open_navigator(settings) as opened:
            yield opened
        return
    with stored(seed) as store:
        transport = httpx.ASGITransport(create_app(store), raise_app_exceptions=False)
        async with (
            open_model(settings) as model,
            httpx.AsyncClient(transport=transport, base_url="http://embedded/fhir") as http,
        ):
            with closing(open_journal(settings)) as journal:
                yield Navigator(settings, http, FhirClient(http), journal, model, lambda _: None)


def stored(seed: int) -> AbstractContextManager[Store]:
    """The embedded store of the sample charts and the fresh ones, made where it is not yet in the cache."""
    samples = Everyone(fresh(seed))
    return closing(open_store(CACHE / f"{samples.digest()}.sqlite", samples, check_references=False))


Asked = tuple[str, list[str]]  # a patient, and what is asked in one session


def answers(asked: Sequence[Asked], *, seed: int, model: str | None, fhir: str | None) -> list[list[Answer]]:
    """The answers to each chain of questions, in order; charts go to processes of their own."""
    if not fhir:
        with stored(seed):  # made once, before several processes ask for it
            pass
    patients = sorted({patient for patient, _ in asked})
    processes = min(os.cpu_count() or 1, len(patients))
    parts = [
        [number for number, (patient, _) in enumerate(asked) if patients.index(patient) % processes == part]
        for part in range(processes)
    ]
    given: dict[int, list[Answer]] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(_asked, [asked[number] for number in part], seed, model, fhir) for part in parts
        ]
        for part, done in zip(parts, running, strict=True):
            given.update(zip(part, done.result(), strict=True))
    return [given[number] for number in range(len(asked))]


def _asked(asked: Sequence[Asked], seed: int, model: str | None, fhir: str | None) -> list[list[Answer]]:
    async def ask() -> list[list[Answer]]:
        found = []
        with tempfile.TemporaryDirectory() as folder:
            flags = {"model": model, "fhir": fhir, "now": NOW.isoformat(), "data_dir": folder}
            async with navigator(load(flags)[0], seed) as opened:
                for patient, texts in asked:
                    async with opened.conversation(patient=patient) as conversation:
                        found.append([await conversation.ask(text) for text in texts])
        return found

    return asyncio.run(ask())
