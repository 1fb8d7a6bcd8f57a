"""Load the sample charts into any FHIR R4 server, as transactions of PUTs that can be repeated.

LoadError
├── ServerUnfit        unreachable, slow, refusing, or not a FHIR R4 server; the message says which
└── ResourceRefused    the server does not take a resource; names it, with the server's own diagnostics
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx

from fhir_fixtures import charts
from fhir_fixtures.generate.references import Resource, name_of, references_in

BATCH = 150
ATTEMPTS = 6
LONGEST_WAIT_S = 30.0
TIMEOUT_S = 180.0
FHIR_JSON = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}


class LoadError(Exception):
    """The charts were not loaded; `str()` says why and what to do."""


class ServerUnfit(LoadError):
    """No FHIR R4 server answers there, or it does not let us in."""


class ResourceRefused(LoadError):
    """The server refused a resource. Those before it are loaded; loading again goes on from there."""


@dataclass(frozen=True)
class LoadReport:
    """What loading did: resources sent, how many of them were new to the server, and the seconds it took."""

    resources: int
    created: int
    seconds: float


async def load(http: httpx.AsyncClient, progress: Callable[[int, int], None] | None = None) -> LoadReport:
    """Load every sample chart into the FHIR R4 server at `http.base_url`.

    Ids are kept, so loading again changes nothing. `progress` is called with (resources loaded, resources in
    all). Raises ServerUnfit or ResourceRefused.
    """
    return await load_resources(http, list(charts.resources()), progress)


async def load_resources(
    http: httpx.AsyncClient, resources: list[Resource], progress: Callable[[int, int], None] | None = None
) -> LoadReport:
    """As `load`, for resources of one's own that are in load order (fhir_fixtures.generate.order)."""
    started = time.monotonic()
    await _check_server(http)
    created = done = 0
    for batch in batches(resources, BATCH):
        created += await _put_or_name(http, batch)
        done += len(batch)
        if progress:
            progress(done, len(resources))
    return LoadReport(resources=done, created=created, seconds=time.monotonic() - started)


def batches(resources: list[Resource], size: int) -> Iterator[list[Resource]]:
    """Split resources in load order into lists of about `size`, each loadable after those before it.

    Resources that refer to each other stay together: a server that checks references takes them only at once.
    """
    place = {name_of(resource): number for number, resource in enumerate(resources)}
    batch: list[Resource] = []
    furthest = 0
    for number, resource in enumerate(resources):
        batch.append(resource)
        furthest = max([furthest, *(place.get(target, 0) for target in references_in(resource))])
        if len(batch) >= size and furthest <= number:
            yield batch
            batch = []
    if batch:
        yield batch


async def _put_or_name(http: httpx.AsyncClient, batch: list[Resource]) -> int:
    """As `_put`, but a refusal names the resource: a refused transaction does not say which one it was."""
    try:
        return await _put(http, batch)
    except ResourceRefused:
        parts = list(batches(batch, 1))
        if len(parts) == 1:
            raise
        return sum([await _put(http, part) for part in parts])


async def _put(http: httpx.AsyncClient, batch: list[Resource]) -> int:
    """Send one transaction and return how many resources it created."""
    entries = [
        {
            "fullUrl": f"{_base(http)}/{name_of(resource)}",
            "resource": resource,
            "request": {"method": "PUT", "url": name_of(resource)},
        }
        for resource in batch
    ]
    response = await _send(
        http, "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    names = ", ".join(map(name_of, batch[:3])) + (f" and {len(batch) - 3} more" if len(batch) > 3 else "")
    if response.status_code in {400, 404, 409, 412, 422}:
        raise ResourceRefused(
            f"{_base(http)} refused {names}: {response.status_code} {_diagnostics(response)}"
        )
    if not response.is_success:
        raise ServerUnfit(
            f"{_base(http)} does not take {names}: {response.status_code} {_diagnostics(response)}"
        )
    answered = _json(response).get("entry", [])
    if len(answered) != len(batch):
        raise ServerUnfit(f"{_base(http)} answered {len(answered)} of {len(batch)} entries of a transaction")
    statuses = []
    for resource, entry in zip(batch, answered, strict=True):
        status = str(entry.get("response", {}).get("status", "none"))
        if not status.startswith("2"):
            outcome = _issues(entry.get("response", {}).get("outcome", {}))
            raise ResourceRefused(f"{_base(http)} refused {name_of(resource)}: {status} {outcome}")
        statuses.append(status)
    return sum(status.startswith("201") for status in statuses)


async def _check_server(http: httpx.AsyncClient) -> None:
    response = await _send(http, "GET", "metadata")
    if not response.is_success:
        raise ServerUnfit(f"{_base(http)}/metadata answers {response.status_code}: {_diagnostics(response)}")
    statement = _json(response)
    if statement.get("resourceType") not in {"CapabilityStatement", "Conformance"}:
        raise ServerUnfit(f"{_base(http)} is not a FHIR server: its /metadata is no CapabilityStatement")
    if not str(statement.get("fhirVersion", "")).startswith("4.0"):
        raise ServerUnfit(
            f"{_base(http)} speaks FHIR {statement.get('fhirVersion')}; the charts are R4 (4.0)"
        )


async def _send(
    http: httpx.AsyncClient, method: str, path: str, body: Resource | None = None
) -> httpx.Response:
    """One request, repeated at most five times while the server says 429 or 503, when it says."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            response = await http.request(
                method, f"{_base(http)}/{path}".rstrip("/"), json=body, headers=FHIR_JSON, timeout=TIMEOUT_S
            )
        except httpx.TimeoutException as error:
            raise ServerUnfit(f"{_base(http)} did not answer within {TIMEOUT_S:.0f} s") from error
        except httpx.TransportError as error:
            raise ServerUnfit(f"{_base(http)} cannot be reached: {error}") from error
        if response.status_code not in {429, 503} or attempt == ATTEMPTS:
            break
        await anyio.sleep(_wait_s(response, attempt))
    return response


def _wait_s(response: httpx.Response, attempt: int) -> float:
    """How long to wait: Retry-After (seconds or an HTTP date), else 1, 2, 4 ... seconds; never above 30."""
    asked = response.headers.get("Retry-After", "")
    try:
        wait = (
            float(asked)
            if asked.isdigit()
            else (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
        )
    except ValueError:
        wait = 2.0 ** (attempt - 1)
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def _json(response: httpx.Response) -> Resource:
    try:
        body = response.json()
    except ValueError as error:
        kind = response.headers.get("Content-Type", "no content type")
        raise ServerUnfit(f"{response.url} is not FHIR: it answered {kind}, which is no JSON") from error
    return body if isinstance(body, dict) else {}


def _diagnostics(response: httpx.Response) -> str:
    try:
        return _issues(_json(response))
    except ServerUnfit:
        return "(no OperationOutcome)"


def _issues(outcome: Resource) -> str:
    issues = [
        str(issue.get("diagnostics") or issue.get("details", {}).get("text") or issue.get("code", ""))
        for issue in outcome.get("issue", [])
    ]
    return "; ".join(issues) or "(no OperationOutcome)"


def _base(http: httpx.AsyncClient) -> str:
    return str(http.base_url).rstrip("/")
