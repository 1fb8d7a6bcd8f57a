"""What the FHIR server's own terminology says of a text or a code, where it has code systems loaded.

`ValueSet/$expand` of a whole code system with a filter, `CodeSystem/$lookup` and `ConceptMap/$translate` (R4
terminology service). What is asked stands in the address, and the server may pass it on to another: so only
what can be a term or a code is sent, no date, no long number, no long text. A server without a code system
answers its expansion with 404: it is not asked for that system again.
"""

import re
from typing import Any

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.charts.code_systems import CVX, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED, first, objects, string
from mcp_servers.fhir.errors import InvalidRequest, NotFound
from mcp_servers.fhir.recording import Call

_AT_MOST = 10
_EXPAND = ("ValueSet", "expand")
_ALL_OF = {
    SNOMED: "http://snomed.info/sct?fhir_vs",
    LOINC: "http://loinc.org/vs",
    RXNORM: f"{RXNORM}?fhir_vs",
    ICD10CM: f"{ICD10CM}?fhir_vs",
    CVX: f"{CVX}?fhir_vs",
}
_NO_MATCH = ("unmatched", "disjoint")
_MOST_WORDS, _MOST_CHARACTERS = 6, 80
_OF_A_PERSON = re.compile(r"\d{4}|\d[-/.]\d+[-/.]\d|@")
_ADDRESS = re.compile(r"(https?://|urn:)\S{1,200}")
_CODE = re.compile(r"\S{1,64}")


class ServerTerminology:
    """The code systems of one server; those that it was found to lack are remembered."""

    def __init__(self) -> None:
        self._lacking: set[str] = set()

    async def named(
        self, client: FhirClient, text: str, call: Call
    ) -> tuple[list[dict[str, str]], InvalidRequest | None]:
        """The codes that fit `text` (`system`, `code`, `name`); none where the server has no terminology.

        Also how the server refused the text, where it did. Raises InvalidRequest for what can be no term.
        """
        found: list[dict[str, str]] = []
        refused: InvalidRequest | None = None
        if not (await client.capability(call)).offers(_EXPAND):
            return found, refused
        words = len(text.split())
        if words > _MOST_WORDS or len(text) > _MOST_CHARACTERS or _OF_A_PERSON.search(text):
            raise InvalidRequest(
                f"It is asked for terms only: at most {_MOST_WORDS} words, without dates or long numbers."
            )
        for system, url in _ALL_OF.items():
            if system in self._lacking:
                continue
            asked = [("url", url), ("filter", text), ("count", str(_AT_MOST))]
            try:
                answer = await client.terminology(_EXPAND, asked, call)
            except NotFound:
                self._lacking.add(system)
                continue
            except InvalidRequest as error:  # of this text perhaps: too short a filter, too long an expansion
                refused = error
                continue
            for one in objects(first((answer or {}).get("expansion")).get("contains"))[:_AT_MOST]:
                code, name = string(one.get("code")), string(one.get("display"))
                if code and name:
                    found.append({"system": string(one.get("system")) or system, "code": code, "name": name})
        return found, refused

    async def coded(self, client: FhirClient, system: str, code: str, call: Call) -> str | None:
        """What a code is called; None where the server does not know it. Raises as `mapped`."""
        if system in self._lacking:
            return None
        answer = await _of_code(client, ("CodeSystem", "lookup"), system, code, call)
        said = {string(one.get("name")): one.get("valueString") for one in objects(answer.get("parameter"))}
        return string(said.get("display"))


async def mapped(client: FhirClient, system: str, code: str, call: Call) -> list[dict[str, str]]:
    """What the server's concept maps have for a code: `system`, `code`, `equivalence`, perhaps a `name`.

    `wider` says that the code found is wider than the one given. What a map rules out is left out. Raises
    InvalidRequest for what can be no code of a code system.
    """
    answer = await _of_code(client, ("ConceptMap", "translate"), system, code, call)
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


async def _of_code(
    client: FhirClient, operation: tuple[str, str], system: str, code: str, call: Call
) -> dict[str, Any]:
    """What an operation says of a code; empty where the server has no such operation, or not the code."""
    if not (await client.capability(call)).offers(operation):
        return {}
    if not (_ADDRESS.fullmatch(system) and _CODE.fullmatch(code)):
        raise InvalidRequest("It is asked for a code with its system's address (http://..., urn:...) only.")
    try:
        return await client.terminology(operation, [("system", system), ("code", code)], call) or {}
    except (NotFound, InvalidRequest):
        return {}
