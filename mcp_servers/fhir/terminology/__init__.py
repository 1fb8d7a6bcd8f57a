"""Words and codes: a bundled dictionary, what records mean by it, and the server's own terminology."""

from dictionary import Kind
from mcp_servers.fhir.terminology.asking import ServerTerminology, mapped
from mcp_servers.fhir.terminology.charted import ChartCode, charted, codeables
from mcp_servers.fhir.terminology.concepts import Code, Concept, classes_of, family, known_by
from mcp_servers.fhir.terminology.finding import find, near
from mcp_servers.fhir.terminology.meaning import Meaning, meaning_of, related, wording

__all__ = [
    "ChartCode",
    "Code",
    "Concept",
    "Kind",
    "Meaning",
    "ServerTerminology",
    "charted",
    "classes_of",
    "codeables",
    "family",
    "find",
    "known_by",
    "mapped",
    "meaning_of",
    "near",
    "related",
    "wording",
]
