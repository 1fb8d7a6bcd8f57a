"""The EMR's own AuditEvents of a time: what its FHIR server says was asked of it, by whom, about whom."""

import base64
import binascii
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp_servers.audit.chain.errors import AuditError
from mcp_servers.audit.reconciliation.interactions import Interaction, of_event, reference_of

if TYPE_CHECKING:
    import httpx

PAGE = 200
"""AuditEvents asked for at a time: about a megabyte."""

MOST = 100 * PAGE
"""AuditEvents asked for at a time, at most: where so many are of one time."""


class CannotTell(AuditError):
    """The FHIR server cannot be asked for its AuditEvents, or its answer cannot be used; `str()` says how."""


@dataclass(frozen=True, slots=True)
class EmrEvent:
    """One AuditEvent. `agents` are all who took part, `observer` who reports it, as the event names them.

    `asked` is None where the event does not say what was asked; `request_id` is the request's X-Request-ID.
    `owners` are those whose record it was: HAPI makes an event for each, and takes a note's author for one.
    """

    id: str
    recorded: datetime
    agents: frozenset[str]
    observer: frozenset[str]
    request_id: str | None
    asked: Interaction | None
    owners: frozenset[str]
    succeeded: bool

    @property
    def patients(self) -> frozenset[str]:
        """The patients among the owners, as `Patient/id`."""
        return frozenset(owner for owner in self.owners if owner.startswith("Patient/"))


async def events(http: "httpx.AsyncClient", start: datetime, end: datetime) -> AsyncIterator[EmrEvent]:
    """The AuditEvents recorded from `start` until before `end` at the server at `http.base_url`, in order.

    No next link is followed: what HAPI records of that does not say that AuditEvents were read. The next page
    begins with the time at which the last one ended. Raises CannotTell: also for a server that answers with
    events of another time or in another order.
    """
    base = str(http.base_url).rstrip("/")
    at, after, count = instant(start), instant(end), PAGE
    told: set[str] = set()  # of the time `at`
    while True:
        bundle = await _get(
            http, base, {"date": [f"ge{at}", f"lt{after}"], "_sort": "date", "_count": str(count)}
        )
        before = at
        for resource in _resources(base, bundle):
            event = _event(base, resource)
            recorded = instant(event.recorded)
            if not before <= recorded < after:
                raise CannotTell(f"{base} answers with AuditEvents of another time than it was asked for")
            if recorded < at:
                raise CannotTell(f"{base} does not sort its AuditEvents by time, as it was asked to")
            told = told if recorded == at else set()
            at = recorded
            if event.id not in told:
                told.add(event.id)
                yield event
        if not any(_in(link, "relation") == "next" for link in _list(bundle, "link")):
            return
        count = PAGE if at > before else 2 * count
        if count > MOST:
            raise CannotTell(f"{base} holds more AuditEvents of one time ({at}) than it shows at once")


def instant(at: datetime) -> str:
    """A time as the journal and FHIR write it: UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _get(http: "httpx.AsyncClient", base: str, asked: dict[str, str | list[str]]) -> dict[str, Any]:
    import httpx

    try:
        response = await http.get(
            "AuditEvent",
            params=asked,
            headers={"Cache-Control": "no-cache", "Accept": "application/fhir+json"},
        )
    except httpx.RequestError as error:
        raise CannotTell(f"{base} cannot be reached ({type(error).__name__})") from None
    if response.status_code != 200:
        raise CannotTell(
            f"{base} answered {response.status_code} {response.reason_phrase} when asked for its AuditEvents"
        )
    try:
        bundle = response.json()
    except (ValueError, RecursionError):
        bundle = None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise CannotTell(f"{base} answered something that is no Bundle when asked for its AuditEvents")
    return bundle


def _resources(base: str, bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        found = [entry["resource"] for entry in bundle.get("entry", [])]
        yield from (resource for resource in found if resource["resourceType"] == "AuditEvent")
    except (LookupError, TypeError):
        raise CannotTell(f"{base} answered with a Bundle whose entries cannot be read") from None


def _event(base: str, resource: dict[str, Any]) -> EmrEvent:
    """The event as far as it says something; of a batch's entries HAPI does not know the X-Request-ID."""
    entities = _list(resource, "entity")
    codes = [str(_in(code, "code")) for code in _list(resource, "subtype")]
    try:
        recorded = datetime.fromisoformat(resource["recorded"]).astimezone(UTC)
    except (LookupError, TypeError, ValueError, OverflowError):
        raise CannotTell(f"{base} holds an AuditEvent whose time cannot be read") from None
    return EmrEvent(
        id=str(_in(resource, "id")),
        recorded=recorded,
        agents=frozenset(name for agent in _list(resource, "agent") for name in _names(_in(agent, "who"))),
        observer=frozenset(_names(_in(resource, "source", "observer"))),
        request_id=next(_request_ids(entities), None),
        asked=of_event(codes, next(_queries(entities), None), next(_read(entities), None), base),
        owners=frozenset(_owners(entities)),
        succeeded=_in(resource, "outcome") in (None, "0"),
    )


def _in(element: Any, *path: str) -> Any:
    """What lies at a path of names; None where there is nothing."""
    for name in path:
        element = element.get(name) if isinstance(element, dict) else None
    return element


def _list(element: Any, name: str) -> list[Any]:
    found = _in(element, name)
    return found if isinstance(found, list) else []


def _names(who: Any) -> Iterator[str]:
    """What a reference calls somebody; HAPI writes the network address into a program's display."""
    named = (_in(who, "identifier", "value"), _in(who, "display"), _in(who, "reference"))
    yield from (name for name in named if isinstance(name, str))


def _is_patient(entity: Any) -> bool:
    return (_in(entity, "type", "code"), _in(entity, "role", "code")) == ("1", "1")  # Person, Patient


def _request_ids(entities: list[Any]) -> Iterator[str]:
    for entity in entities:
        value = _in(entity, "what", "identifier", "value")
        if _in(entity, "type", "code") == "XrequestId" and isinstance(value, str):
            yield value


def _queries(entities: list[Any]) -> Iterator[str]:
    for entity in entities:
        if isinstance(query := _in(entity, "query"), str):
            with suppress(binascii.Error, ValueError):  # it then does not say what was asked
                yield base64.b64decode(query).decode()


def _read(entities: list[Any]) -> Iterator[str]:
    for entity in entities:
        reference = _in(entity, "what", "reference")
        if isinstance(reference, str) and not _is_patient(entity):
            yield reference


def _owners(entities: list[Any]) -> Iterator[str]:
    for entity in filter(_is_patient, entities):
        named = _in(entity, "what", "reference") or _in(entity, "what", "identifier", "value")
        if isinstance(named, str):
            yield reference_of(named) or named
