"""What the FHIR server's own terminology says of a text or a code, where it has code systems loaded.

`ValueSet/$expand` of a whole code system with a filter, `CodeSystem/$lookup` and `ConceptMap/$translate` (R4
terminology service). They carry no patient data. A server without a code system answers its expansion with
404 (HAPI) or another error: then nothing is known there, and it is not asked for that system again.
"""

from typing import Any

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.charts.code_systems import CVX, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED, first, objects, string
from mcp_servers.fhir.errors import InvalidRequest, NotFound
from mcp_servers.fhir.recording import Call

_AT_MOST = 10
_ALL_OF = {
    SNOMED: "http://snomed.info/sct?fhir_vs",
    LOINC: "http://loinc.org/vs",
    RXNORM: f"{RXNORM}?fhir_vs",
    ICD10CM: f"{ICD10CM}?fhir_vs",
    CVX: f"{CVX}?fhir_vs",
}
_NO_MATCH = ("unmatched", "disjoint")


class ServerTerminology:
    """The code systems of one server; those that it was found to lack are remembered."""

    def __init__(self) -> None:
        self._lacking: set[str] = set()

    async def named(self, client: FhirClient, text: str, call: Call) -> list[dict[str, str]]:
        """The codes that fit `text` (`system`, `code`, `name`); none where the server has no terminology."""
        found: list[dict[str, str]] = []
        for system, url in _ALL_OF.items():
            if system in self._lacking:
                continue
            asked = [("url", url), ("filter", text), ("count", str(_AT_MOST))]
            answer = await _ask(client, ("ValueSet", "expand"), asked, call)
            if answer is None:
                self._lacking.add(system)
                continue
            for one in objects(first(answer.get("expansion")).get("contains"))[:_AT_MOST]:
                code, name = string(one.get("code")), string(one.get("display"))
                if code and name:
                    found.append({"system": string(one.get("system")) or system, "code": code, "name": name})
        return found

    async def coded(self, client: FhirClient, system: str, code: str, call: Call) -> str | None:
        """What a code is called; None where the server does not know it."""
        if system in self._lacking:
            return None
        asked = [("system", system), ("code", code)]
        answer = await _ask(client, ("CodeSystem", "lookup"), asked, call) or {}
        said = {string(one.get("name")): one.get("valueString") for one in objects(answer.get("parameter"))}
        return string(said.get("display"))


async def mapped(client: FhirClient, system: str, code: str, call: Call) -> list[dict[str, str]]:
    """What the server's concept maps have for a code: `system`, `code`, `equivalence`, perhaps a `name`.

    `wider` says that the code found is wider than the one given. What a map rules out is left out.
    """
    asked = [("system", system), ("code", code)]
    answer = await _ask(client, ("ConceptMap", "translate"), asked, call) or {}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for match in objects(answer.get("parameter")):
        said = {string(part.get("name")): part for part in objects(match.get("part"))}
        concept = first(said.get("concept", {}).get("valueCoding"))
        to = string(concept.get("system")) or "", string(concept.get("code")) or ""
        equivalence = string(said.get("equivalence", {}).get("valueCode")) or "relatedto"
        if all(to) and equivalence not in _NO_MATCH:
            name = string(concept.get("display"))
            one = {"system": to[0], "code": to[1], "equivalence": equivalence}
            found.setdefault(to, one | ({"name": name} if name else {}))
    return list(found.values())[:_AT_MOST]


async def _ask(
    client: FhirClient, operation: tuple[str, str], parameters: list[tuple[str, str]], call: Call
) -> dict[str, Any] | None:
    """The server's answer, empty where it has no such operation; None where it does not know the codes."""
    try:
        return await client.terminology(operation, parameters, call) or {}
    except (NotFound, InvalidRequest):
        return None
