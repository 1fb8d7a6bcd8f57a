"""One request of the contract, and what is compared of its answer."""

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

Answer = dict[str, Any]

# An identical search would be answered from HAPI's cache for a minute.
FRESH = {"Cache-Control": "no-cache", "Accept": "application/fhir+json"}
# More ids than this are kept as their number and a digest.
SHOWN_IDS = 6
# A search that fills its page may have more: which ones are on it is then up to the server.
PAGE = 50


@dataclass(frozen=True)
class Case:
    """A request, relative to the base.

    `body` is sent as JSON, or as it is when it is text. `ordered`: the order of the matches is part of the
    contract. `walk`: the next links are followed to the end. `audited`: a server's own AuditEvents are among
    the results, so that these are left out, as are the numbers that they change. `remember` names the id that
    a create answers with, for `{name}` in later requests of the same scenario. `expected` holds the ids that
    plain Python finds in the charts, where it can.
    """

    url: str
    method: str = "GET"
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    ordered: bool = False
    walk: bool = False
    audited: bool = False
    label: str = ""
    remember: str = ""
    expected: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """The request in one line; it identifies the case in the recording."""
        headers = [f"({name}: {value})" for name, value in self.headers]
        label = f"({self.label})" if self.label else ""
        return " ".join(part for part in [self.method, self.url, *headers, label] if part)


async def ask(http: httpx.AsyncClient, case: Case, names: dict[str, str] | None = None) -> Answer:
    """Sends the request and returns what is compared of its answer.

    `names` holds the placeholders of a scenario, with the ids of this run that they stand for: they are
    filled into the request, and stand in the answer again, so that two runs can be compared. An id that the
    case remembers is added to them.
    """
    names = {} if names is None else names
    content = case.body if isinstance(case.body, str) else json.dumps(case.body) if case.body else None
    kind = {"Content-Type": "application/fhir+json"} if content is not None else {}
    headers = {key: _filled(value, names) for key, value in case.headers}
    response = await http.request(
        case.method,
        f"{str(http.base_url).rstrip('/')}/{_filled(case.url, names)}".rstrip("/"),
        content=None if content is None else _filled(content, names),
        headers={**FRESH, **kind, **headers},
    )
    if case.remember:
        names[case.remember] = _new_id(response)
    answer = _compared(response, names)
    if case.walk:
        answer["pages"] = await _walk(http, response)
    if case.audited:
        answer = {"status": answer["status"], "all": answer.get("pages", {}).get("all")}
    if answer.get("next") and not case.ordered:
        # Which of the matches stand on the first page is up to the server.
        answer["matches"] = len(answer["matches"])
        answer.pop("included", None)
    for key in ("matches", "included"):
        if isinstance(answer.get(key), list):
            answer[key] = _condensed(answer[key], ordered=case.ordered and key == "matches")
    return answer


async def play(http: httpx.AsyncClient, scenario: list[Case]) -> dict[str, Answer]:
    """Sends a scenario's requests in order, on records of their own; answers by number and name.

    What was created is deleted at the end, so that the charts stay alone in the server.
    """
    names = {"run": f"contract-{secrets.token_hex(4)}"}
    answers = {f"{n}. {case.name}": await ask(http, case, names) for n, case in enumerate(scenario, start=1)}
    written = [part for answer in answers.values() for part in [answer, *answer.get("entries", [])]]
    for part in reversed(written):
        if part["status"] == 201:
            created = part.get("location", part.get("resource")).partition("/_history/")[0]
            await ask(http, Case(created, "DELETE"), names)
    return answers


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _new_id(response: httpx.Response) -> str:
    """The id that a create gave: of its Location, of a bundle's first entry, or of the record itself."""
    body = _json(response.text)
    entries = [entry["response"].get("location", "") for entry in body.get("entry", [])]
    for location in [response.headers.get("location", ""), *entries]:
        matched = re.search(r"(?:^|/)[A-Z]\w+/([^/]+)/_history/", location)
        if matched:
            return matched[1]
    return str(body.get("id", "nothing-created"))


def _general(text: str, names: dict[str, str]) -> str:
    """The text with placeholders where ids of this run stand."""
    for name, value in names.items():
        whole = re.escape(value) if name == "run" else rf'(?<=[/"]){re.escape(value)}(?=[/"]|$)'
        text = re.sub(whole, f"{{{name}}}", text)
    return text


def _compared(response: httpx.Response, names: dict[str, str]) -> Answer:
    answer: Answer = {"status": response.status_code}
    body = _json(_general(response.text, names))
    kind = body.get("resourceType")
    if kind == "OperationOutcome":
        answer["issues"] = sorted({issue["code"] for issue in body["issue"]})
    elif kind == "Bundle":
        answer.update(_bundle(body))
    elif kind == "CapabilityStatement":
        answer["fhirVersion"] = body["fhirVersion"]
    elif kind:
        answer.update(_resource(body))
    if "etag" in response.headers:
        answer["etag"] = response.headers["etag"]
    if "location" in response.headers and kind != "Bundle":
        answer["location"] = _relative(_general(response.headers["location"], names))
    return answer


def _bundle(bundle: dict[str, Any]) -> Answer:
    answer: Answer = {"type": bundle["type"]}
    if "total" in bundle:
        answer["total"] = bundle["total"]
    entries = bundle.get("entry", [])
    if bundle["type"].endswith("-response"):
        answer["entries"] = [_response_entry(entry) for entry in entries]
        return answer
    if bundle["type"] == "history":
        answer["versions"] = [_version(entry) for entry in entries]
        return answer
    matches = [entry for entry in entries if entry.get("search", {}).get("mode", "match") == "match"]
    included = [entry for entry in entries if entry.get("search", {}).get("mode") == "include"]
    answer["next"] = any(link["relation"] == "next" for link in bundle.get("link", []))
    answer["matches"] = [_reference(entry["resource"]) for entry in matches]
    if included:
        answer["included"] = [_reference(entry["resource"]) for entry in included]
    return answer


def _response_entry(entry: dict[str, Any]) -> Answer:
    response = entry["response"]
    answer: Answer = {"status": int(response["status"][:3])}
    if "location" in response:
        answer["location"] = _relative(response["location"])
    if entry.get("resource", {}).get("resourceType") == "Bundle":
        answer["total"] = entry["resource"].get("total")
    elif entry.get("resource", {}).get("resourceType", "OperationOutcome") != "OperationOutcome":
        answer["resource"] = _reference(entry["resource"])
    return answer


def _version(entry: dict[str, Any]) -> str:
    version = entry.get("resource", {}).get("meta", {}).get("versionId", "")
    return f"{entry['request']['method']} {version}".strip()


def _resource(resource: dict[str, Any]) -> Answer:
    # Narrative is rewritten and meta is filled in by servers; the rest must come back as it was stored.
    kept = _without_narrative({key: value for key, value in resource.items() if key not in {"meta", "id"}})
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False)
    return {
        "resource": _reference(resource),
        "version": resource.get("meta", {}).get("versionId"),
        "elements": sorted(resource),
        "tags": sorted(tag["code"] for tag in resource.get("meta", {}).get("tag", [])),
        "content": hashlib.sha256(text.encode()).hexdigest()[:12],
    }


def _without_narrative(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_narrative(item) for item in node]
    if isinstance(node, dict):
        return {key: _without_narrative(value) for key, value in node.items() if "div" not in node}
    return node


async def _walk(http: httpx.AsyncClient, response: httpx.Response) -> Answer:
    """The size of every page, and all ids in the order in which they came."""
    sizes: list[int] = []
    ids: list[str] = []
    bundle = _json(response.text)
    while True:
        entries = [
            _reference(entry["resource"])
            for entry in bundle.get("entry", [])
            if entry["resource"]["resourceType"] != "AuditEvent"
        ]
        sizes.append(len(entries))
        ids.extend(entries)
        following = [link["url"] for link in bundle.get("link", []) if link["relation"] == "next"]
        if not following:
            break
        assert len(sizes) < 100, "pages without end"
        page = await http.get(following[0], headers=FRESH)
        page.raise_for_status()
        bundle = _json(page.text)
    assert len(ids) == len(set(ids)), "a record on two pages"
    return {"sizes": sizes, "all": _condensed(ids, ordered=False)}


def _condensed(ids: list[str], *, ordered: bool) -> list[str] | str:
    ids = ids if ordered else sorted(ids)
    if len(ids) <= SHOWN_IDS:
        return ids
    return f"{len(ids)}:{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:12]}"


def condensed(ids: frozenset[str]) -> list[str] | str:
    """A set of `Type/id` as an answer shows it."""
    return _condensed(list(ids), ordered=False)


def _reference(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def _relative(location: str) -> str:
    """A Location without its base: `Type/id/_history/1`."""
    path = urlsplit(location).path
    return path.partition("/fhir/")[2] or path


def _json(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
