"""`ehr-navigator doctor`: what this installation has, what is amiss, and what to do about it, on one page.

It changes nothing, tells nothing of patients, and hangs nowhere: a check that takes too long is a line too.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from agent.audit_access import audit_ring, journal_path, recorder_of
from agent.config import Settings
from agent.egress.policy import EgressPolicy
from agent.errors import NavigatorError
from agent.fhir_access import CHARTS, open_fhir
from agent.model_access import OFFLINE, models_dir

State = Literal["ok", "warn", "bad", "none"]
MARKS = {"ok": "✓ ok  ", "warn": "! warn", "bad": "✗ bad ", "none": "- none"}
SECONDS = 15.0  # a check; a server that takes longer is not well
SKEW_SECONDS = 60
GIB = 2**30
# What the chart tools search by; a server that lacks one answers fewer questions.
WANTED = (
    "Patient", "Observation", "Condition", "MedicationRequest", "AllergyIntolerance", "Encounter",
    "Procedure", "Immunization", "DiagnosticReport", "DocumentReference",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a check found; `fix` is what to do where it is not well."""

    check: str
    state: State
    said: str
    fix: str = ""


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", parents: list[argparse.ArgumentParser]
) -> None:
    """The parser of `doctor`."""
    doctor = commands.add_parser(
        "doctor", parents=parents, help="what is amiss here, and what to do about it"
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    found = asyncio.run(examine(settings))
    print(json.dumps([asdict(one) for one in found], indent=2) if arguments.json else page(found))
    return 1 if any(one.state == "bad" for one in found) else 0


async def examine(settings: Settings) -> list[Found]:
    """Every finding, in the order of the page."""
    checks: list[tuple[str, Callable[[Settings], Awaitable[list[Found]]]]] = [
        ("program", _in_thread(program)),
        ("GPU", _in_thread(gpu)),
        ("models", _in_thread(models)),
        ("planner", planner),
        ("FHIR server", fhir),
        ("MCP tools", mcp),
        ("audit trail", _in_thread(audit)),
        ("policy", _in_thread(policy)),
        ("disk", _in_thread(disk)),
    ]
    found: list[Found] = []
    for name, check in checks:
        try:
            async with asyncio.timeout(SECONDS):
                found += await check(settings)
        except TimeoutError:
            found.append(
                Found(name, "bad", f"no answer within {SECONDS:g} s", "see whether it is overloaded")
            )
        except NavigatorError as error:
            found.append(Found(name, "bad", str(error)))
        except Exception as error:  # a broken check is a finding, and no reason to stop
            found.append(Found(name, "bad", f"cannot be looked at ({type(error).__name__})", "report this"))
    return found


def page(found: list[Found]) -> str:
    """The findings for a terminal of 100 columns."""
    lines = []
    for one in found:
        head = f"{MARKS[one.state]}  {one.check:<14}"
        lines += textwrap.wrap(f"{head}{one.said}", 100, subsequent_indent=" " * 22, break_long_words=False)
        if one.fix:
            lines += textwrap.wrap(
                f"to do: {one.fix}",
                100,
                initial_indent=" " * 22,
                subsequent_indent=" " * 29,
                break_long_words=False,
            )
    bad, warned = (sum(one.state == state for one in found) for state in ("bad", "warn"))
    lines.append("")
    lines.append(f"{bad} to be mended, {warned} to be looked at." if bad or warned else "All is well.")
    return "\n".join(lines)


def program(_: Settings) -> list[Found]:
    """Versions, and whether the extra for local models is there."""
    said = f"ehr-navigator {version('ehr-navigator')}, Python {sys.version.partition(' ')[0]}"
    lacking = [
        name for name in ("torch", "transformers", "llguidance") if importlib.util.find_spec(name) is None
    ]
    extra = (
        Found(
            "local models",
            "none",
            "the extra `local` is not installed; the offline planner and model servers work",
        )
        if lacking
        else Found("local models", "ok", f"torch {version('torch')}, transformers {version('transformers')}")
    )
    return [Found("program", "ok", said), extra]


def gpu(_: Settings) -> list[Found]:
    """The GPUs, by the driver's own tool."""
    if shutil.which("nvidia-smi") is None:
        return [Found("GPU", "none", "no NVIDIA driver; the offline planner and model servers need none")]
    asked = [
        "nvidia-smi",
        "--query-gpu=name,driver_version,memory.total,memory.free",
        "--format=csv,noheader",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode or not done.stdout.strip():
        return [Found("GPU", "bad", "the driver does not answer", "install it anew, and restart the machine")]
    return [
        Found("GPU", "ok", "{}, driver {}, {}, {} free".format(*map(str.strip, line.split(","))))
        for line in done.stdout.strip().splitlines()
    ]


def models(settings: Settings) -> list[Found]:
    """Which local models are here, whole, and fit."""
    if importlib.util.find_spec("torch") is None:
        return []
    from agent.models.local import checkpoints, fit
    from agent.models.local.loading import free_bytes

    folder, (free, where) = models_dir(settings), free_bytes()
    found = []
    for one in checkpoints.listed(folder):
        try:
            config = checkpoints.checked(one).config
            bits = fit.bits_of(config, settings.local_bits)
            context = min(settings.local_context, fit.longest(config))
            needed = fit.need(config, bits, context)
        except (NavigatorError, ValueError) as error:
            found.append(
                Found("model", "bad", f"{one.name}: {error}", "`ehr-navigator models list` says more")
            )
            continue
        fix = "; or ".join(fit.advice(config, bits, context, free))
        room = f"needs {needed.total / GIB:.1f} of {free / GIB:.1f} GiB ({where})"
        found.append(
            Found("model", "warn" if fix else "ok", f"{one.name} at {one.revision[:12]}: {room}", fix)
        )
    for path in checkpoints.unlisted(folder):
        found.append(Found("model", "bad", f"{path} has no manifest", "remove it, and fetch the model again"))
    for part in checkpoints.unfinished(folder):
        found.append(Found("model", "warn", f"{part} is not whole", "run its `models pull` again"))
    return found or [
        Found("model", "none", f"none in {folder}; `ehr-navigator models pull NAME` fetches one")
    ]


async def planner(settings: Settings) -> list[Found]:
    """Whether the models that the settings name can be had."""
    found = []
    for spec in (settings.model, settings.text_model, settings.image_model):
        for one in filter(None, map(str.strip, spec.split(","))):
            found.append(await _planner(one, settings))
    return found


async def _planner(spec: str, settings: Settings) -> Found:
    kind, _, named = spec.partition(":")
    if spec == OFFLINE:
        return Found("planner", "ok", "offline: rules, no language model")
    if kind == "local":
        if importlib.util.find_spec("torch") is None:
            return Found("planner", "bad", spec, "pip install 'ehr-navigator[local]'")
        from agent.models.local.checkpoints import find

        there = find(named, models_dir(settings))
        return Found("planner", "ok", f"{there.name} at {there.revision[:12] or there.path}")
    if kind.startswith("openai"):
        from agent.egress.endpoints import check_endpoint, local_client
        from agent.models.chat_completions import ChatCompletions

        name, _, url = spec.removeprefix("openai").removeprefix(":").partition("@http")
        url = (f"http{url}" if url else settings.openai_url).rstrip("/")
        check_endpoint(url, settings.clinic_hosts)
        key = settings.openai_key.get_secret_value() or None
        async with local_client(SECONDS) as http:
            offered = await ChatCompletions(http, url, key, SECONDS).models()
        if not offered:
            return Found("planner", "bad", f"{url} lists no models", "load one there, or correct openai_url")
        if name and not any(name in one or one in name for one in offered):
            return Found("planner", "bad", f"{url} has no {name}", f"name one of: {', '.join(offered[:6])}")
        return Found("planner", "ok", f"{name or offered[0]} at {url}")
    return Found("planner", "warn", f"{spec}: for tests", "set model to offline, local or openai")


async def fhir(settings: Settings) -> list[Found]:
    """The FHIR server: whether it answers, what it lacks, and how its clock stands to ours."""
    import httpx

    if not settings.fhir and not (settings.data_dir / CHARTS).exists():
        return [Found("FHIR server", "ok", "the embedded sample charts, to be indexed at the first question")]
    async with open_fhir(settings) as http:
        asked = datetime.now(UTC)
        try:
            came = await http.get("metadata", timeout=SECONDS)
        except httpx.HTTPError as error:
            fix = "start it, or correct fhir; a proxy or certificate may stand between"
            return [
                Found("FHIR server", "bad", f"no answer at {http.base_url} ({type(error).__name__})", fix)
            ]
        if came.status_code != 200:
            fix = "see fhir, fhir_token and what else the settings say of it"
            return [Found("FHIR server", "bad", f"{http.base_url} answers with HTTP {came.status_code}", fix)]
        statement = came.json()
    return [_served(settings, statement), *_lacking(statement), *_clock(came.headers.get("date", ""), asked)]


def _served(settings: Settings, statement: dict[str, Any]) -> Found:
    software = statement.get("software") or {}
    named = " ".join(str(software[part]) for part in ("name", "version") if software.get(part))
    release = str(statement.get("fhirVersion", ""))
    said = f"{settings.fhir or 'the embedded sample charts'}: {named or 'unnamed'}, FHIR {release or '?'}"
    if not release.startswith("4."):
        return Found(
            "FHIR server", "bad", said, "an R4 endpoint is needed; many servers have one beside others"
        )
    return Found("FHIR server", "ok", said)


def _lacking(statement: dict[str, Any]) -> list[Found]:
    rest = (statement.get("rest") or [{}])[0].get("resource") or []
    offered = {one.get("type"): {act.get("code") for act in one.get("interaction") or ()} for one in rest}
    lacking = [kind for kind in WANTED if "search-type" not in offered.get(kind, ())]
    found = []
    if lacking:
        fix = "questions about these are answered with: not offered by this server"
        found.append(Found("FHIR types", "warn", f"not to be searched: {', '.join(lacking)}", fix))
    if not offered.get("AuditEvent", set()) & {"create", "update"}:
        fix = "set audit_events to files, for a log collector"
        found.append(Found("AuditEvents", "warn", "the server says that it takes none", fix))
    return found or [Found("FHIR types", "ok", "all that the chart tools search; AuditEvents are taken")]


def _clock(date: str, asked: datetime) -> list[Found]:
    if not date:
        return []
    skew = abs((parsedate_to_datetime(date) - asked).total_seconds())
    if skew > SKEW_SECONDS:
        fix = "set this machine's clock by NTP: the trail's times are evidence"
        return [Found("clock", "bad", f"{skew:.0f} s off the FHIR server's", fix)]
    return [Found("clock", "ok", f"within {SKEW_SECONDS} s of the FHIR server's")]


async def mcp(settings: Settings) -> list[Found]:
    """Whether the chart tools come up; their trail is a throw-away one."""
    from agent.toolbox import open_toolbox
    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.chain.keys import Key
    from mcp_servers.fhir.access.client import FhirClient
    from mcp_servers.fhir.surface.server import build_server

    if not settings.fhir and not (settings.data_dir / CHARTS).exists():
        return []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(closing(Journal(folder / "audit.sqlite", [Key(os.urandom(32))])))
        http = await stack.enter_async_context(open_fhir(settings))
        recorder = recorder_of(settings, journal, "doctor", str(http.base_url))
        server = build_server(FhirClient(http), recorder, patient=None, now=None, tools=settings.tools)
        offers = (await stack.enter_async_context(open_toolbox(server))).offers
    return [Found("MCP tools", "ok", f"{len(offers)} on offer ({settings.tools})")]


def audit(settings: Settings) -> list[Found]:
    """The journal's key, state, files' modes and what waits to be delivered."""
    from mcp_servers.audit.chain.verify import verify
    from mcp_servers.audit.delivery.outbox import depths

    path = journal_path(settings)
    if not path.exists():
        return [Found("audit trail", "ok", "begins with the first question")]
    found = [*_mode(settings.data_dir, 0o700), *_mode(path, 0o600)]
    ring = audit_ring(settings)
    if path.stat().st_size < 50 * 2**20:  # some 15,000 records, a second
        wrong = verify(path, [key.public for key in ring], ring).finding
        fix = "keep the files as they are, and run `ehr-navigator audit verify`" if wrong else ""
        said = "chain and signatures hold" if not wrong else wrong.why
        found.append(Found("audit trail", "bad" if wrong else "ok", said, fix))
    else:
        found.append(
            Found("audit trail", "ok", "its key is at hand; `ehr-navigator audit verify` proves the rest")
        )
    for one in depths(path):
        waits = f"{one.pending} wait, the oldest for {one.oldest_s / 3600:.1f} h; {one.refused} refused"
        said = f"{one.destination}: {waits}"
        late = one.refused or one.oldest_s > 3600
        fix = "`ehr-navigator audit list --undelivered` says why" if late else ""
        found.append(Found("delivery", "warn" if late else "ok", said, fix))
    return found


def _mode(path: Path, wanted: int) -> list[Found]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~wanted:
        return [Found("files", "bad", f"{path} can be read by others ({mode:o})", f"chmod {wanted:o} {path}")]
    return []


def policy(settings: Settings) -> list[Found]:
    """What may leave the building."""
    rules = EgressPolicy(settings.escalation, settings.escalation_workflows, settings.escalation_classes)
    forms = {name: rules.of(name) for name in ("ask", "chat", "batch", "evaluation")}
    if set(forms.values()) == {"never"}:
        return [Found("policy", "ok", "nothing leaves this building")]
    told = ", ".join(f"{name} {form}" for name, form in forms.items())
    consent = "a person is asked first" if settings.escalation_consent else "nobody is asked"
    agreement = settings.hosted_agreement or "no agreement is named"
    found = [Found("policy", "ok", f"{told}; to {settings.hosted_model} ({agreement}); {consent}")]
    if not settings.hosted_key.get_secret_value():
        found.append(Found("policy", "warn", "the hosted model has no key", "set EHR_NAVIGATOR_HOSTED_KEY"))
    if not settings.hosted_agreement:
        fix = "ask whoever answers for privacy which agreement covers it, and set hosted_agreement"
        found.append(Found("policy", "warn", "what leaves is covered by no agreement that is named", fix))
    return found


def disk(settings: Settings) -> list[Found]:
    """Room where the journal grows, and readiness without the internet."""
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free / GIB:.1f} GiB free at {folder}"
    if free < GIB:
        return [
            Found(
                "disk", "bad", said, "make room: without it no question can be recorded, and none is answered"
            )
        ]
    if not os.access(folder, os.W_OK):
        return [
            Found("disk", "bad", f"{folder} cannot be written", "set data_dir to a folder that you may write")
        ]
    return [Found("disk", "ok" if free > 5 * GIB else "warn", said)]


def _in_thread(check: Callable[[Settings], list[Found]]) -> Callable[[Settings], Awaitable[list[Found]]]:
    async def run(settings: Settings) -> list[Found]:
        return await asyncio.to_thread(check, settings)

    return run
