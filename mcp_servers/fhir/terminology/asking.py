"""What the FHIR server's own terminology says of a text or a code, where it has code systems loaded.

`ValueSet/$expand` of a whole code system with a filter, and `CodeSystem/$lookup` (R4 terminology service).
They carry no patient data. A server without the code system answers 404 (HAPI) or another error: then nothing
is known there, and it is not asked for that system again.
"""

from typing import Any

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.charts.code_systems import CVX, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED, objects, string
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


class ServerTerminology:
    """The code systems of one server; those that it was found to lack are remembered."""

    def __init__(self) -> None:
        self._lacking: set[str] = set()

    async def named(self, client: FhirClient, text: str, call: Call) -> list[dict[str, str]]:
        """The codes that fit `text` (`system`, `code`, `name`); none where the server has no terminology."""
        found: list[dict[str, str]] = []
        for system, url in _ALL_OF.items():
            asked = [("url", url), ("filter", text), ("count", str(_AT_MOST))]
            answer = await self._ask(client, system, ("ValueSet", "expand"), asked, call)
            expansion = answer.get("expansion")
            for one in objects(expansion.get("contains") if isinstance(expansion, dict) else None)[:_AT_MOST]:
                code, name = string(one.get("code")), string(one.get("display"))
                if code and name:
                    found.append({"system": string(one.get("system")) or system, "code": code, "name": name})
        return found

    async def coded(self, client: FhirClient, system: str, code: str, call: Call) -> str | None:
        """What a code is called; None where the server does not know it."""
        asked = [("system", system), ("code", code)]
        answer = await self._ask(client, system, ("CodeSystem", "lookup"), asked, call)
        said = {string(one.get("name")): one.get("valueString") for one in objects(answer.get("parameter"))}
        return string(said.get("display"))

    async def _ask(
        self,
        client: FhirClient,
        system: str,
        operation: tuple[str, str],
        parameters: list[tuple[str, str]],
        call: Call,
    ) -> dict[str, Any]:
        if system in self._lacking:
            return {}
        try:
            return await client.terminology(operation, parameters, call) or {}
        except (NotFound, InvalidRequest):
            if operation == ("ValueSet", "expand"):
                self._lacking.add(system)
            return {}
