"""Completions of prompt and resource arguments, from fixed lists alone: never from a chart."""

from mcp.types import Completion

from mcp_servers.fhir.charts import KINDS, OBSERVATIONS, OVERVIEW, SEARCHES, everyday_names

_AT_MOST = 100  # the protocol's limit
_TYPES = sorted(
    {search.resource_type for searches in (*SEARCHES.values(), OVERVIEW) for search in searches}
    | {OBSERVATIONS.resource_type, "Patient", "Medication", "Practitioner", "Organization", "Location"}
)


def complete(argument: str, typed: str) -> Completion:
    """What could be typed on: resource types, kinds, measurements by name or (after a digit) by code."""
    wanted = typed.casefold()
    known = _known(argument, wanted)
    fits = [value for value in known if value.casefold().startswith(wanted)]
    fits += [value for value in known if wanted in value.casefold() and value not in fits]
    return Completion(values=fits[:_AT_MOST], total=len(fits), has_more=len(fits) > _AT_MOST)


def _known(argument: str, wanted: str) -> list[str]:
    if argument == "type":
        return _TYPES
    if argument == "kind":
        return list(KINDS)
    if argument == "name":
        names = everyday_names()
        return sorted({code for codes in names.values() for code in codes} if wanted[:1].isdigit() else names)
    return []
