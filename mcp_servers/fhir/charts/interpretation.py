"""Whether a result is low, normal or high: as it was flagged, or computed from its reference range."""

from typing import NamedTuple

from mcp_servers.fhir.charts.elements import (
    Resource,
    codes,
    concepts_text,
    first,
    folded,
    number,
    objects,
    read_once,
    unit,
)

# HL7 v3 ObservationInterpretation: what lies under "abnormal", off-scale values with it.
ABNORMAL_CODES = frozenset({"A", "AA", "H", "HH", "HU", "H>", "HX", "L", "LL", "LU", "L<", "LX", "<", ">"})
_ABNORMAL_WORDS = frozenset({"abnormal", "high", "low", "critical", "elevated", "decreased"})
_NEGATED = frozenset({"not", "no", "non", "normal"})
COMPUTED = "computed from the range"


def interpretation(holder: Resource) -> str | None:
    """What a result was flagged as; without a flag `Low`, `Normal` or `High`, marked as computed."""
    flagged = concepts_text(holder.get("interpretation"))
    if flagged:
        return flagged
    side = _side(holder)
    return f"{side} ({COMPUTED})" if side else None


def abnormal(holder: Resource) -> bool:
    """Whether a result lies outside its reference range, or is flagged as abnormal."""
    if _side(holder) in ("Low", "High"):
        return True
    flags = objects(holder.get("interpretation"))
    if flagged := codes(flags):
        return not ABNORMAL_CODES.isdisjoint(flagged)
    words = set(folded(concepts_text(flags) or "").split()) if flags else set()
    return bool(words & _ABNORMAL_WORDS) and not words & _NEGATED


def _side(holder: Resource) -> str | None:
    """On which side of its one normal range a number lies; None where no range or several could apply."""
    if "referenceRange" not in holder:
        return None
    quantity = first(holder.get("valueQuantity"))
    value = number(quantity.get("value"))
    normal = _normal(holder["referenceRange"])
    if value is None or normal is None or not normal.units <= {unit(quantity)}:
        return None
    low, high = normal.low, normal.high
    under = quantity.get("comparator") in ("<", "<=")
    over = quantity.get("comparator") in (">", ">=")
    if low is not None and not over and (value <= low if under else value < low):
        return "Low"
    if high is not None and not under and (value >= high if over else value > high):
        return "High"
    return None if under or over or (low is None and high is None) else "Normal"


class _Normal(NamedTuple):
    """The bounds of a range of normal values, and the units that they are written in."""

    low: float | None
    high: float | None
    units: frozenset[str]


@read_once
def _normal(ranges: object) -> _Normal | None:
    """The one range of normal values; None where there is none, or more than one could apply."""
    normal = [one for one in objects(ranges) if _is_normal(one)]
    if len(normal) != 1:
        return None
    low, high = (first(normal[0].get(side)) for side in ("low", "high"))
    units = (unit(bound) for bound in (low, high))
    return _Normal(number(low.get("value")), number(high.get("value")), frozenset(u for u in units if u))


def _is_normal(one: Resource) -> bool:
    """A range is of normal values where nothing says otherwise (R4: "If not present, assume normal")."""
    kinds = codes(one.get("type"))
    has_bound = any(number(first(one.get(side)).get("value")) is not None for side in ("low", "high"))
    return has_bound and (not kinds or "normal" in kinds)
