"""The way to a hosted model, for one session: over the gate, with the chart's own names to look for."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from agent.config import APP, Settings, Workflow
from agent.egress.deidentification import Deidentifier, Identifiers
from agent.egress.gate import Gate
from agent.egress.policy import EgressPolicy, Vendor, permission
from agent.egress.prices import price_table
from agent.errors import BY_KIND, Failed, UsageError
from agent.escalation import Consent, Hosted, Leaving, Recorded
from agent.messages import Action, Model, Usage
from agent.models.anthropic import Anthropic
from agent.models.constraint import json_schema
from agent.models.openai import OpenAICompatible
from agent.recording import Acts
from agent.session import Session
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.rendering import render

if TYPE_CHECKING:
    from agent.toolbox import Toolbox

ANTHROPIC = "https://api.anthropic.com"
MAX_COMPLETION = 16_384  # tokens of one step, of which most models think a part first
_MOST = 20  # pages of a kind of records
_MOST_STAFF = 100
_STAFF = re.compile(r'"reference": "((?:Practitioner|Organization|Location)/[A-Za-z0-9.-]{1,64})"')
# Where a chart names people, places and numbers: other records repeat them, and notes tell of others still.
IDENTIFYING = (
    "Patient", "RelatedPerson", "Coverage", "CareTeam", "Encounter", "DocumentReference", "DiagnosticReport",
    "Device", "Appointment",
)  # fmt: skip


def vendor_of(settings: Settings) -> Vendor:
    """The hosted endpoint that the settings name. Raises UsageError where they name none that there is."""
    kind, _, name = settings.hosted_model.partition(":")
    if kind not in ("anthropic", "openai") or not name:
        raise UsageError(
            f"There is no hosted model {settings.hosted_model!r}; choose anthropic:NAME or openai:NAME."
        )
    url = settings.hosted_url or (ANTHROPIC if kind == "anthropic" else "")
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UsageError("Set hosted_url to the hosted model's endpoint, such as https://HOST/v1.")
    return Vendor(name, url, settings.hosted_agreement, settings.hosted_retention, settings.hosted_region)


@asynccontextmanager
async def open_hosted(
    settings: Settings,
    workflow: Workflow,
    session: Session,
    toolbox: "Toolbox",
    acts: Acts,
    *,
    consent: Consent | None,
    secret: bytes,
) -> AsyncIterator[Hosted]:
    """The hosted model for one session, behind its gate.

    `consent` asks a person, where the settings want that; `secret` is the clinic's own, by which dates move.
    Raises UsageError for settings that cannot be used.
    """
    vendor = vendor_of(settings)
    policy = EgressPolicy(settings.escalation, settings.escalation_workflows, settings.escalation_classes)

    async def names() -> Deidentifier:
        chart = Identifiers.of(await identifying_records(toolbox, session))
        return Deidentifier(chart, secret, session.patient, rendered)

    def sought() -> Identifiers | None:
        """What the gate looks for: under an agreement, nothing."""
        if hosted.leaving and hosted.leaving.form == "agreement":
            return None
        return hosted.names.chart if isinstance(hosted.names, Deidentifier) else Identifiers.of([])

    async def before(request: httpx.Request, payload: bytes) -> None:
        await hosted.before(request, payload)

    out = Recorded(httpx.AsyncHTTPTransport(trust_env=False), before)
    gate = Gate(out, str(urlsplit(vendor.url).hostname), sought, loopback=True)
    async with httpx.AsyncClient(transport=gate, trust_env=False, follow_redirects=False) as http:
        hosted = Hosted(
            vendor=vendor,
            model=_model(http, vendor, settings),
            permission=lambda classes: permission(policy, workflow, classes),
            deidentifier=names,
            acts=acts,
            workflow=workflow,
            images=lambda: session.images,
            user=session.user,
            consent=(consent or _nobody) if settings.escalation_consent else None,
            cost=_cost(vendor.model, settings),
        )
        yield hosted


async def identifying_records(toolbox: "Toolbox", session: Session) -> list[dict[str, Any]]:
    """The records of the session's chart that name people, places and numbers, each read on the trail.

    Raises what a failed call means: where the server has such records and does not give them, nothing leaves.
    """
    found: list[dict[str, Any]] = []
    for kind in IDENTIFYING if session.patient else ():
        arguments: dict[str, Any] = {"resource_type": kind, "parameters": [], "full": True, "limit": 50}
        for _ in range(_MOST):
            asked = Action(tool="fhir_search", arguments=arguments)
            result = await toolbox.call(asked, {"session": session.id})
            if result.error == "invalid_request" and kind != "Patient":
                break  # this server has no such records
            if result.error or result.data is None:
                raise BY_KIND.get(result.error or "", Failed)(result.message)
            found += [row["resource"] for row in result.data["rows"]]
            if not (cursor := result.data["cursor"]):
                break
            arguments = {**arguments, "cursor": cursor}
    for reference in sorted(set(_STAFF.findall(json.dumps(found))))[:_MOST_STAFF]:
        asked = Action(tool="fhir_read", arguments={"reference": reference, "full": True})
        result = await toolbox.call(asked, {"session": session.id})
        if result.data:  # who is not to be read is named where they are referred to, or not at all
            found += [row["resource"] for row in result.data["rows"]]
    return found


def rendered(data: dict[str, Any]) -> str:
    """A result's envelope as the text that a model reads."""
    return render(ResultEnvelope.model_validate(data)).text


def _model(http: httpx.AsyncClient, vendor: Vendor, settings: Settings) -> Model:
    key = _key(settings)
    if settings.hosted_model.startswith("anthropic:"):
        return Anthropic(
            http,
            vendor.url,
            vendor.model,
            api_key=key,
            max_tokens=MAX_COMPLETION,
            timeout=settings.max_seconds,
        )
    return OpenAICompatible(
        http,
        vendor.url,
        vendor.model,
        api_key=key or None,
        max_tokens=MAX_COMPLETION,
        timeout=settings.max_seconds,
        constraint=json_schema,  # a probe would be a payload of its own
    )


def _key(settings: Settings) -> str:
    """The key as set, else from the system's keyring (service ehr-navigator, name hosted).

    Raises UsageError where no HTTP header can hold it; a clinic's own gateway may want none.
    """
    import keyring
    from keyring.errors import KeyringError

    if key := settings.hosted_key.get_secret_value():
        return key
    try:
        key = (keyring.get_password(APP, "hosted") or "").strip()
    except KeyringError:
        return ""
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"The hosted model's key in the keyring ({APP}, hosted) holds a character that no HTTP header can"
            " hold; set it anew."
        )
    return key


def _cost(model: str, settings: Settings) -> Callable[[Usage], float | None]:
    prices = price_table(settings.prices_file)

    def cost(usage: Usage) -> float | None:
        price = prices.of(model, date.today())
        return None if price is None else float(price.cost(usage.prompt, usage.completion, usage.cached))

    return cost


async def _nobody(_: Leaving) -> bool:
    return False
