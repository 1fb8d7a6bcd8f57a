"""Does the FHIR store hold every AuditEvent that was queued for it, as it was queued?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_servers.audit import trail
from mcp_servers.audit.content import Content
from mcp_servers.audit.keys import Ring
from mcp_servers.audit.verify import Finding

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class DeliveryVerification:
    """What the FHIR store holds of the completed calls that it answered.

    `missing` are not there (the finding says how far delivery came), `altered` differ (it names the fields);
    `elsewhere` counts the calls to other servers, which were not asked. `problem`: the store could not be
    asked, or no longer; what was `checked` before stands.
    """

    checked: int
    missing: tuple[Finding, ...]
    altered: tuple[Finding, ...]
    elsewhere: int
    problem: str | None

    @property
    def complete(self) -> bool:
        """Whether every event is in the store, unaltered."""
        return not (self.missing or self.altered or self.problem)


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
                    missing.append(Finding(f"not in the store; {state} {diagnostics}".strip(), seq, event_id))
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
    return DeliveryVerification(checked, tuple(missing), tuple(altered), elsewhere, problem)


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
