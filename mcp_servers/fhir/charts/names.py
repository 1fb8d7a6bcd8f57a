"""People's names as a person writes them."""

from mcp_servers.fhir.charts.elements import Resource, objects, string, strings

_USES = ("official", "usual", "", "nickname", "anonymous", "temp", "maiden", "old")


def human_name(names: object) -> str | None:
    """The name to show of a list of HumanNames: the official one before the usual, former names last."""
    ranked = sorted(objects(names), key=lambda name: _rank(string(name.get("use")) or ""))
    return next((text for name in ranked if (text := _written(name))), None)


def _rank(use: str) -> int:
    return _USES.index(use) if use in _USES else len(_USES)


def _written(name: Resource) -> str | None:
    parts = [*strings(name.get("given")), *strings(name.get("family"))]
    return " ".join(parts) or string(name.get("text"))
