"""A scripted EMR: a FHIR server with AuditEvents of its own, as HAPI's interceptor writes them."""

import base64
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import httpx

from .trails import BASE

Resource = dict[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

CLIENT = "ehr-navigator/0.1.0"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"


class ScriptedEmr:
    """An ASGI application that answers searches for AuditEvents by date, at most `page` of them at a time."""

    def __init__(self, page: int = 10_000, base: str = BASE) -> None:
        self.events: list[Resource] = []
        self.asked: list[dict[str, list[str]]] = []
        self.instead: Callable[[dict[str, list[str]]], tuple[int, Any]] | None = None
        self.base = base
        self._page = page

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this server."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url=self.base)

    def saw(
        self,
        url: str,
        request_id: str | None,
        *patients: str,
        client: str = CLIENT,
        late: timedelta = timedelta(0),
        outcome: str = "0",
    ) -> str:
        """A request that the EMR wrote down `late`: an event for each patient. The last one's id."""
        for patient in patients or (None,):
            event = hapi_event(f"{self.base}/{url}", request_id, patient, client)
            recorded = (datetime.now(UTC) + late).isoformat(timespec="milliseconds")
            self.add({**event, "id": f"{len(self.events)}", "recorded": recorded, "outcome": outcome})
        return str(self.events[-1]["id"])

    def add(self, event: Resource) -> None:
        """An event as it is."""
        self.events.append(event)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        assert (scope["method"], scope["path"]) == ("GET", "/fhir/AuditEvent")
        query = parse_qs(scope["query_string"].decode())
        self.asked.append(query)
        status, body = self.instead(query) if self.instead else (200, self.searchset(query))
        headers = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        text = body if isinstance(body, str) else json.dumps(body)
        await send({"type": "http.response.body", "body": text.encode()})

    def searchset(self, query: dict[str, list[str]]) -> Resource:
        """The page of events that a query asks for."""
        since, until = (time(date[2:]) for date in query["date"])  # ge..., lt...
        found = [event for event in self.events if since <= time(event["recorded"]) < until]
        count = min(int(query["_count"][0]), self._page)
        page = sorted(found, key=lambda event: time(event["recorded"]))[:count]
        more = count < len(found)
        links = [{"relation": "next", "url": f"{self.base}?_getpages=1"}] if more else []
        entries = [{"resource": event} for event in page]
        return {"resourceType": "Bundle", "link": links, **({"entry": entries} if entries else {})}


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def hapi_event(url: str, request_id: str | None, patient: str | None, client: str) -> Resource:
    """An AuditEvent as HAPI 8.8.0 writes it, of a request to `url`."""
    path, _, query = url.partition("?")
    read = "/".join(path.split("/")[-2:])
    search = bool(query)
    # HAPI writes the parameters in an order of its own.
    written = f"{path}?{urlencode(sorted(parse_qsl(query), reverse=True))}"
    what = {
        "type": {"system": _TYPES, "code": "2"},
        **(
            {"query": base64.b64encode(written.encode()).decode(), "role": {"code": "24"}}
            if search
            else {"what": {"reference": read}, "role": {"code": "4"}}
        ),
    }
    identified = {"what": {"identifier": {"value": request_id}}} if request_id else {}
    who = {"type": {"system": _TYPES, "code": "1"}, "role": {"code": "1"}, "what": {"reference": patient}}
    return {
        "resourceType": "AuditEvent",
        "subtype": [{"code": "search-type" if search else "read"}],
        "action": "E" if search else "R",
        "agent": [
            {"who": {"identifier": {"value": client}, "display": "127.0.0.1"}},
            {"who": {"display": "http://internal.example/fhir"}},
            {"who": {"identifier": {"value": "dr.grey"}, "display": "dr.grey"}},
        ],
        "source": {"observer": {"display": "http://internal.example/fhir"}},
        "entity": [
            {**identified, "type": {"code": "XrequestId"}},
            what,
            *([who] if patient else []),
        ],
    }
