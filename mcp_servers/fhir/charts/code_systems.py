"""Code systems: their addresses, and the short names that people and answers call them by."""

import re

from mcp_servers.fhir.charts.elements import LOINC, SNOMED, folded

ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"

_SHORT = {
    LOINC: "LOINC",
    SNOMED: "SNOMED CT",
    RXNORM: "RxNorm",
    CVX: "CVX",
    ICD10CM: "ICD-10-CM",
    ICD10: "ICD-10",
}
_ADDRESSES = {folded(short).replace(" ", ""): system for system, short in _SHORT.items()} | {
    "snomed": SNOMED,
    "sct": SNOMED,
    "rxcui": RXNORM,
    "icd": ICD10,
}
_CATEGORY = 3
_OF_ICD10 = re.compile(r"[A-Z]\d[\dA-Z](\.?[\dA-Z]{1,4})?", re.ASCII | re.IGNORECASE)
_IN_WORDS = re.compile(r"\s*([A-Za-z][\w -]*?)(?:\s+code)?[\s:]+([\w.-]*\d[\w.-]*)\s*", re.ASCII)


def short_name(system: str) -> str:
    """What people call a code system; its address where it has no such name here."""
    return _SHORT.get(system, system)


def addressed(token: str) -> str:
    """`system|code` with the system's address where it was called by its short name (`LOINC|4548-4`).

    Several such tokens may stand in one text, with commas between, as FHIR searches have them. People write
    `LOINC 4548-4` and `ICD-10: I10` too.
    """
    if "|" in token:
        return ",".join(_addressed(one) for one in token.split(","))
    said = _IN_WORDS.fullmatch(token)
    address = said and _ADDRESSES.get(folded(said[1]).replace(" ", ""))
    return f"{address}|{said[2]}" if said and address else token


def stands_for(asked: str, system: str, code: str) -> bool:
    """Whether a coding is what a code (bare, or `system|code`) asks for, in any case.

    ICD-10 is said for ICD-10-CM too, and a category of it stands for the codes below it.
    """
    of, _, wanted = asked.strip().casefold().rpartition("|")
    both = {ICD10, ICD10CM}
    same = both if system in both else {system.casefold()}
    if not wanted or (of and of.rstrip("/") not in same):
        return False
    if system in both and len(wanted) >= _CATEGORY:
        return code.casefold().replace(".", "").startswith(wanted.replace(".", ""))
    return code.casefold() == wanted


def may_have_codes_below(system: str, code: str) -> bool:
    """Whether a code, of any system where `system` is empty, may be of ICD-10 and so have codes below it."""
    return system in (ICD10, ICD10CM) or (not system and _OF_ICD10.fullmatch(code) is not None)


def _addressed(token: str) -> str:
    system, bar, code = token.partition("|")
    address = _ADDRESSES.get(folded(system).replace(" ", ""))
    return f"{address}{bar}{code.strip()}" if bar and address else token
