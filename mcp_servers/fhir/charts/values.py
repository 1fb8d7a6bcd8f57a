"""The values of Observations: every kind of value[x], components, absent values and reference ranges."""

from typing import Any

from mcp_servers.fhir.charts.dates import period_end, period_start
from mcp_servers.fhir.charts.elements import (
    LOINC,
    Resource,
    Row,
    codings,
    concept_text,
    concepts_text,
    first,
    folded,
    joined,
    number,
    objects,
    plain,
    quantity_text,
    range_text,
    read_once,
    row_of,
    string,
    unit,
)

NO_VALUE = "no value recorded"
PANEL = "a panel; its results are separate records"


def value_fields(holder: Resource) -> Row:
    """`value`, `unit` and `comparator`, or `absent`, of an Observation or of one of its components.

    `value` is a number for quantities and integers, else a text; `absent` is the reason for its absence.
    """
    quantity = first(holder.get("valueQuantity"))
    if (amount := number(quantity.get("value"))) is not None:
        return row_of(value=amount, unit=unit(quantity), comparator=string(quantity.get("comparator")))
    if (integer := number(holder.get("valueInteger"))) is not None:
        return {"value": integer}
    text = _text_value(holder)
    if text is not None:
        return {"value": text}
    reason = concept_text(holder.get("dataAbsentReason"))
    return {"absent": reason or (PANEL if objects(holder.get("hasMember")) else NO_VALUE)}


def _text_value(holder: Resource) -> str | None:
    flag = holder.get("valueBoolean")
    if isinstance(flag, bool):
        return "true" if flag else "false"
    plain_texts = (string(holder.get(field)) for field in ("valueString", "valueDateTime", "valueTime"))
    return (
        concept_text(holder.get("valueCodeableConcept"))
        or next((text for text in plain_texts if text), None)
        or range_text(holder.get("valueRange"))
        or _ratio_text(holder.get("valueRatio"))
        or _period_text(holder.get("valuePeriod"))
        or _sampled_text(holder.get("valueSampledData"))
    )


def _ratio_text(ratio: object) -> str | None:
    numerator = quantity_text(first(ratio).get("numerator"))
    denominator = quantity_text(first(ratio).get("denominator"))
    # A titre (1:128) is written with a colon; amounts with units are a quotient.
    if numerator and denominator:
        return f"{numerator}{' / ' if ' ' in numerator + denominator else ':'}{denominator}"
    return None


def _period_text(period: object) -> str | None:
    start, end = period_start(period), period_end(period)
    return f"{start or '...'} to {end or '...'}" if start or end else None


def _sampled_text(sampled: object) -> str | None:
    data = first(sampled).get("data")
    if not isinstance(data, str) or not data.strip():
        return None
    measured_in = unit(first(sampled).get("origin"))
    return f"{len(data.split())} samples" + (f" in {measured_in}" if measured_in else "")


def components(observation: Resource) -> list[Row]:
    """The components of a panel: `name, code, value, unit, comparator` or `absent`, in their order."""
    return [
        row_of(name=concept_text(part.get("code")), code=main_code(part.get("code"))) | value_fields(part)
        for part in objects(observation.get("component"))
    ]


def panel_text(parts: list[Row]) -> str | None:
    """The values of a panel's components as one text, such as `138.9/87.7` for a blood pressure.

    Components of other units or kinds are named: `Systolic 138, Pulse 80`.
    """
    valued = [part for part in parts if "value" in part]
    if not valued:
        return None
    numeric = all(isinstance(part["value"], int | float) for part in valued)
    if numeric and len(valued) == len(parts) and len({part.get("unit") for part in valued}) == 1:
        return "/".join(_amount(part) for part in valued)
    return ", ".join(f"{part.get('name', '?')} {_amount(part)}" for part in valued)


def _amount(part: Row) -> str:
    value: Any = part["value"]
    written = plain(value) if isinstance(value, int | float) else str(value)
    return f"{part.get('comparator', '')}{written}"


def main_code(concept: object) -> str | None:
    """The code to show for a CodeableConcept: the LOINC one before others."""
    found = codings(concept)
    if len(found) > 1:
        found.sort(key=lambda coding: coding.get("system") != LOINC)
    return next((code for coding in found if (code := string(coding.get("code")))), None)


def reference_ranges(holder: Resource) -> str | None:
    """The reference ranges as one text; whom a range applies to is said where it is recorded."""
    return _ranges(holder["referenceRange"]) if "referenceRange" in holder else None


@read_once
def _ranges(value: object) -> str | None:
    return joined(map(_one_range, objects(value)))


def _one_range(one: Resource) -> str | None:
    bounds, text = range_text(one), string(one.get("text"))
    if text and bounds and folded(text) == folded(bounds):
        text = None
    kind = concept_text(one.get("type"))
    kind = None if kind and kind.casefold() == "normal range" else kind
    said = joined([text, kind, concepts_text(one.get("appliesTo"))], ", ")
    return f"{bounds} ({said})" if bounds and said else bounds or said
