"""What this program asks: the models that plan, the FHIR server, and its own chart tools over MCP."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.audit_access import recorder_of
from agent.config import Settings
from agent.doctor.findings import GIB, Found, State, in_thread
from agent.errors import NavigatorError
from agent.fhir_access import EMBEDDED, charts_missing, open_fhir
from agent.model_access import OFFLINE, models_dir

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0  # one request
SKEW_SECONDS = 60
# What the chart tools search by; a server that lacks one answers fewer questions.
WANTED: Mapping[str, tuple[str, ...]] = {
    "Patient": (),
    "Observation": ("patient", "code", "date"),
    "Condition": ("patient",),
    "MedicationRequest": ("patient",),
    "AllergyIntolerance": ("patient",),
    "Encounter": ("patient",),
    "Procedure": ("patient",),
    "Immunization": ("patient",),
    "DiagnosticReport": ("patient",),
    "DocumentReference": ("patient",),
}


async def planner(settings: Settings) -> list[Found]:
    """Whether the models that the settings name can be had. Of several the first that can is taken: a
    missing one is bad only where none is left.
    """
    found: list[Found] = []
    work = {"planner": settings.model, "text model": settings.text_model, "image model": settings.image_model}
    for name, specs in work.items():
        each = [await _model(name, one.strip(), settings) for one in specs.split(",") if one.strip()]
        if any(one.state == "ok" for one in each):
            each = [
                Found(one.check, "warn", one.said, one.fix) if one.state == "bad" else one for one in each
            ]
        found += each
    return found


async def _model(check: str, spec: str, settings: Settings) -> Found:
    kind, _, named = spec.partition(":")
    try:
        if spec == OFFLINE:
            return Found(check, "ok", "offline: rules, no language model")
        if kind == "local":
            return (await in_thread(lambda settings: [_local(check, named, settings)], settings))[0]
        if kind.partition("@")[0] == "openai":
            return await _served(check, spec, settings)
    except NavigatorError as error:
        return Found(check, "bad", f"{spec}: {error}")
    if kind == "scripted":
        return Found(check, "warn", f"{spec}: for tests", "set model to offline, local or openai")
    fix = "choose offline, local[:NAME] or openai[:NAME][@URL]"
    return Found(check, "bad", f"there is no model {spec}", fix)


def _local(check: str, named: str, settings: Settings) -> Found:
    try:
        from agent.models.local import fit
        from agent.models.local.checkpoints import find
        from agent.models.local.loading import free_bytes
    except ModuleNotFoundError:
        return Found(check, "bad", "the extra `local` is missing", "pip install 'ehr-navigator[local]'")
    there = find(named, models_dir(settings))
    said = f"{there.name} at {there.revision[:12] or there.path}"
    try:
        bits = fit.bits_of(there.config, settings.local_bits)
        context = min(settings.local_context, fit.longest(there.config))
        needed, free = fit.need(there.config, bits, context), free_bytes()[0]
    except ValueError as error:
        return Found(check, "bad", f"{said}: {error}", "take a MedGemma, or another Gemma 3")
    said += f", {bits} bits: needs {needed.total / GIB:.1f} of {free / GIB:.1f} GiB"
    ways = fit.advice(there.config, bits, context, free)
    if not ways:
        return Found(check, "ok", said)
    if settings.local_offload:
        return Found(check, "warn", f"{said}; the rest lies in main memory, which is slow", ways[0])
    return Found(check, "bad", said, "; or ".join(ways))


async def _served(check: str, spec: str, settings: Settings) -> Found:
    from agent.egress.endpoints import check_endpoint, local_client
    from agent.models.chat_completions import ChatCompletions

    name, _, url = spec.removeprefix("openai").removeprefix(":").partition("@http")
    url = (f"http{url}" if url else settings.openai_url).rstrip("/")
    check_endpoint(url, settings.clinic_hosts)
    key = settings.openai_key.get_secret_value() or None
    async with local_client(SECONDS) as http:
        offered = await ChatCompletions(http, url, key, SECONDS).models()
    known = ", ".join(offered[:6])
    if not offered:
        fix = "load one there, or correct openai_url (it mostly ends in /v1)"
        return Found(check, "bad", f"{url} lists no models", fix)
    if not name and len(offered) > 1:
        return Found(check, "bad", f"{url} serves several models", f"name one, openai:NAME: {known}")
    # Ollama takes NAME for NAME:latest. Some servers answer to any name with what they have loaded.
    if name and name not in offered and f"{name}:latest" not in offered:
        fix = f"name one of: {known}"
        return Found(check, "warn", f"{url} does not list {name}; another may answer in its place", fix)
    return Found(check, "ok", f"{name or offered[0]} at {url}")


async def fhir(settings: Settings) -> list[Found]:
    """The FHIR server: whether it answers and lets us in, what it lacks, and how its clock stands to ours."""
    import httpx

    if charts_missing(settings):
        return [Found("FHIR server", "ok", "the embedded sample charts, to be indexed at the first question")]
    async with open_fhir(settings) as http:
        asked = datetime.now(UTC)
        try:
            came = await http.get("metadata", timeout=SECONDS)
            answered = datetime.now(UTC)
            if came.status_code != 200:
                return [_refused(came.status_code, http)]
            found = _capable(came, settings)
            if all(one.state != "bad" for one in found):
                found += await _search(http)
        except httpx.HTTPError as error:
            fix = (
                "start it, or correct fhir; a firewall, or a certificate that is not trusted, may be between"
            )
            said = f"no answer at {http.base_url} ({type(error).__name__})"
            return [Found("FHIR server", "bad", said, fix)]
    return [*found, *_clock(came.headers.get("date", ""), asked, answered)]


def _refused(status: int, http: "httpx.AsyncClient") -> Found:
    fix = "see fhir_token, fhir_user or fhir_client_id" if status in (401, 403) else "see fhir: the base URL"
    return Found("FHIR server", "bad", f"{http.base_url} answers with HTTP {status}", fix)


def _capable(came: "httpx.Response", settings: Settings) -> list[Found]:
    """What its CapabilityStatement says."""
    from mcp_servers.fhir.access.capability import read_capability
    from mcp_servers.fhir.errors import ServerFailed

    where = settings.fhir or "the embedded sample charts"
    try:
        statement = dict(came.json())
        capability = read_capability(statement)
    except ServerFailed as error:
        return [Found("FHIR server", "bad", f"{where}: {error}")]
    except (ValueError, TypeError):
        fix = "see fhir: it should be a FHIR base, and this looks like a page for people"
        return [Found("FHIR server", "bad", f"{where} does not answer with FHIR's JSON", fix)]
    software = statement.get("software")
    told = software if isinstance(software, dict) else {}
    named = " ".join(str(told[part])[:80] for part in ("name", "version") if told.get(part)) or "unnamed"
    found = [Found("FHIR server", "ok", f"{where}: {named}, FHIR {str(statement['fhirVersion'])[:10]}")]
    acts = _acts(statement)
    lacking = [kind for kind in WANTED if "search-type" not in acts.get(kind, ())]
    unsearched = [
        f"{kind} by {name}"
        for kind, names in WANTED.items()
        if kind not in lacking
        for name in names
        if name not in capability.parameters.get(kind, ())
    ]
    if lacking:
        fix = "questions about these are answered with: not offered by this server"
        found.append(Found("FHIR types", "warn", f"not to be searched: {', '.join(lacking)}", fix))
    if unsearched:
        fix = "ask its administrators to list these; tools do not search by what the statement lacks"
        found.append(Found("FHIR searches", "warn", f"not stated: {', '.join(unsearched)}", fix))
    if not lacking and not unsearched:
        found.append(Found("FHIR types", "ok", "all that the chart tools search for"))
    return [*found, _audit_events(acts, settings)]


def _audit_events(acts: Mapping[str, set[str]], settings: Settings) -> Found:
    if settings.audit_events == "files":
        return Found("AuditEvents", "ok", "go to files, and not to this server")
    if acts.get("AuditEvent", set()) & {"create", "update"}:
        return Found("AuditEvents", "ok", "the server says that it takes them")
    fix = "set audit_events to files, for a log collector"
    return Found("AuditEvents", "warn", "the server says that it takes none", fix)


def _acts(statement: Mapping[str, Any]) -> dict[str, set[str]]:
    """The interactions of each type, which read_capability has no use for."""
    found: dict[str, set[str]] = {}
    for rest in _objects(statement.get("rest")):
        for one in _objects(rest.get("resource")):
            codes = {str(act.get("code")) for act in _objects(one.get("interaction"))}
            found.setdefault(str(one.get("type")), set()).update(codes)
    return found


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


async def _search(http: "httpx.AsyncClient") -> list[Found]:
    """Whether a search is let in, and what becomes of a filter that the server does not know.

    Only numbers of patients come back, and none is looked at: `metadata` is mostly open to everybody.
    """
    counted = {"_summary": "count"}
    plain = await http.get("Patient", params=counted, timeout=SECONDS)
    if plain.status_code in (401, 403):
        return [_refused(plain.status_code, http)]
    if plain.status_code != 200:
        return [Found("FHIR filters", "none", "not tried: this server counts no patients without a filter")]
    strict = {"Prefer": "handling=strict"}
    odd = await http.get("Patient", params={**counted, "no-such": "1"}, headers=strict, timeout=SECONDS)
    if odd.status_code == 200:
        said = "unknown ones are ignored, even under Prefer: handling=strict; the chart tools check each"
        return [Found("FHIR filters", "ok", said)]
    return [Found("FHIR filters", "ok", "unknown ones are refused, under Prefer: handling=strict")]


def _clock(date: str, asked: datetime, answered: datetime) -> list[Found]:
    """Its clock beside ours, between the question and the answer."""
    if not date:
        return []
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return []
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    skew = max((asked - told).total_seconds(), (told - answered).total_seconds())
    state: State = "bad" if skew > SKEW_SECONDS else "ok"
    if state == "ok":
        return [Found("clock", state, f"within {SKEW_SECONDS} s of the FHIR server's")]
    fix = "see which of the two is off, and set it by NTP (timedatectl): the trail's times are evidence"
    return [Found("clock", state, f"{skew:.0f} s off the FHIR server's", fix)]


async def mcp(settings: Settings) -> list[Found]:
    """Whether the chart tools come up, in this process; their trail is a throw-away one."""
    import httpx

    from agent.toolbox import open_toolbox
    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.chain.keys import Key
    from mcp_servers.fhir.access.client import FhirClient
    from mcp_servers.fhir.surface.server import build_server

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(closing(Journal(folder / "audit.sqlite", [Key(os.urandom(32))])))
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=settings.fhir or EMBEDDED, trust_env=False)
        )
        recorder = recorder_of(settings, journal, "doctor", str(http.base_url))
        server = build_server(FhirClient(http), recorder, patient=None, now=None, tools=settings.tools)
        offers = (await stack.enter_async_context(open_toolbox(server))).offers
    return [Found("MCP tools", "ok", f"{len(offers)} on offer ({settings.tools})")]
