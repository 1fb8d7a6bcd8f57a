"""Words and codes: a bundled dictionary, what records mean by it, and the server's own terminology."""

from mcp_servers.fhir.terminology.asking import ServerTerminology
from mcp_servers.fhir.terminology.charted import ChartCode, charted, codeables
from mcp_servers.fhir.terminology.concepts import Concept, Kind, classes_of
from mcp_servers.fhir.terminology.finding import Found, find, near
from mcp_servers.fhir.terminology.meaning import Meaning, meaning_of, wording

__all__ = [
    "ChartCode",
    "Concept",
    "Found",
    "Kind",
    "Meaning",
    "ServerTerminology",
    "charted",
    "classes_of",
    "codeables",
    "find",
    "meaning_of",
    "near",
    "wording",
]
