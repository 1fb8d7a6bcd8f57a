"""Does the FHIR store hold every AuditEvent that was queued for it, as it was queued, and no later one?

An older state of the journal's files, put back together, is whole in itself. The store then holds events of
this journal (`source.site` is its id) that the journal does not know.
"""

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.keys import Ring
from mcp_servers.audit.chain.verify import Finding

if TYPE_CHECKING:
    import httpx

PAGE = 200
"""AuditEvents asked for at a time."""


@dataclass(frozen=True, slots=True)
class DeliveryVerification:
    """What the FHIR store holds of the completed calls that it answered.

    `missing` are not there (the finding says how far delivery came), `altered` differ (it names the fields),
    `beyond` are there, and of this journal, which does not know them: at most PAGE of them are looked for.
    `elsewhere` counts the calls to other servers, which were not asked. `problem`: the store could not be
    asked, or no longer; what was `checked` before stands.
    """

    checked: int
    missing: tuple[Finding, ...]
    altered: tuple[Finding, ...]
    beyond: tuple[Finding, ...]
    elsewhere: int
    problem: str | None

    @property
    def complete(self) -> bool:
        """Whether every event is in the store, unaltered, and the journal knows all that it holds."""
        return not (self.missing or self.altered or self.beyond or self.problem)


async def verify_delivery(path: Path, ring: Ring, http: "httpx.AsyncClient") -> DeliveryVerification:
    """Compare the events queued in the journal at `path` with those of the server at `http.base_url`.

    `meta` is left out: servers rewrite it. Raises JournalUnavailable.
    """
    import httpx

    destination = str(http.base_url).rstrip("/")
    checked, problem = 0, None
    missing: list[Finding] = []
    altered: list[Finding] = []
    content = Content(ring)
    with trail.reading(path) as db:
        (elsewhere,) = db.execute(
            "SELECT count(*) FROM outbox WHERE destination <> ?", (destination,)
        ).fetchone()
        for seq, event_id, at, sealed, state, diagnostics in db.execute(
            "SELECT seq, outbox.id, record.at, event, state, diagnostics FROM outbox JOIN record USING (seq)"
            " WHERE destination = ? ORDER BY position",
            (destination,),
        ):
            try:
                response = await http.get(f"AuditEvent/{event_id}", headers={"Cache-Control": "no-cache"})
                if response.status_code in (404, 410):
                    why = f"not in the store; {state} {diagnostics}".strip()
                    missing.append(Finding(why, seq, event_id, "lost"))
                elif response.status_code != 200:
                    problem = f"{destination} answered {response.status_code} {response.reason_phrase}"
                    break
                elif (event := content.open(db, at, event_id, sealed)) is not None and (
                    fields := differences(event, response.json())
                ):
                    altered.append(Finding(f"differs in {', '.join(fields)}", seq, event_id))
            except httpx.RequestError as error:
                problem = f"{destination} cannot be reached ({type(error).__name__})"
                break
            except (ValueError, RecursionError):
                problem = f"{destination} answered something that is no JSON"
                break
            checked += 1
        found = DeliveryVerification(checked, tuple(missing), tuple(altered), (), elsewhere, problem)
        return found if problem else await _beyond(db, found, http)


async def _beyond(
    db: sqlite3.Connection, found: DeliveryVerification, http: "httpx.AsyncClient"
) -> DeliveryVerification:
    """With the events of this journal that are no older than its last record, and that it does not know."""
    import httpx

    (journal,) = db.execute("SELECT id FROM record WHERE seq = 1").fetchone()
    last, at = db.execute("SELECT seq, at FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    beyond = []
    try:
        response = await http.get(
            "AuditEvent",
            params={"site": journal, "date": f"ge{at}", "_count": PAGE},
            headers={"Cache-Control": "no-cache"},
        )
        response.raise_for_status()
        for entry in response.json().get("entry", []):
            event = entry["resource"]
            known = db.execute("SELECT 1 FROM outbox WHERE id = ?", (event["id"],)).fetchone()
            if event.get("source", {}).get("site") == journal and not known:
                why = f"the store holds it, and the journal ends at record {last}: an older one was put back"
                beyond.append(Finding(why, None, event["id"], "truncated"))
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        server = str(http.base_url).rstrip("/")
        problem = f"{server} cannot tell which AuditEvents it holds ({type(error).__name__})"
        return replace(found, problem=problem)
    return replace(found, beyond=tuple(beyond))


def differences(ours: dict[str, Any], theirs: Any) -> list[str]:
    """The paths at which two resources differ, such as `agent[1].who.display`; `meta` is left out."""
    stored = {**theirs, "meta": None} if isinstance(theirs, dict) else theirs
    return list(_differences({**ours, "meta": None}, stored, ""))


def _differences(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = [*ours, *(name for name in theirs if name not in ours)]
        found = [_differences(ours.get(name), theirs.get(name), f"{path}.{name}") for name in names]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        found = [_differences(mine, other, f"{path}[{index}]") for index, (mine, other) in pairs]
    else:
        return (
            [] if ours == theirs and type(ours) is type(theirs) else [path.removeprefix(".") or "everything"]
        )
    return [entry for entries in found for entry in entries]
