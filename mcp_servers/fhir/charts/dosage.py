"""Dose instructions as a person reads them."""

import re

from mcp_servers.fhir.charts.elements import (
    Resource,
    concept_text,
    concepts_text,
    first,
    joined,
    number,
    objects,
    plain,
    quantity_text,
    range_text,
    string,
    strings,
)

_UNITS_OF_TIME = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}


def dosages_text(dosages: object) -> str | None:
    """The text of a list of Dosage elements, or of a MedicationAdministration's dosage.

    The prescriber's own text comes first; what the structured part adds to it (dose, route, timing, "as
    needed") follows where the text does not say it already.
    """
    return joined(_dosage_text(one) for one in objects(dosages))


def _dosage_text(dosage: Resource) -> str | None:
    structured = [
        _dose(dosage),
        concept_text(dosage.get("route")),
        timing_text(dosage.get("timing")),
        _as_needed(dosage),
        _most(dosage),
    ]
    written = string(dosage.get("text")) or string(dosage.get("patientInstruction"))
    if written is None:
        return joined([*structured, concepts_text(dosage.get("additionalInstruction"))], " ")
    return joined([written, *(part for part in structured if part and not _says(written, part))], ", ")


def _says(written: str, part: str) -> bool:
    """Whether the text says a structured part already: the same words, or the same amount."""
    amount = part.split(maxsplit=1)[0]
    if amount.replace(".", "").isdigit():
        return re.search(rf"(?<![\d.]){re.escape(amount)}(?![\d]|\.[1-9])", written) is not None
    return "".join(part.casefold().split()) in "".join(written.casefold().split())


def _dose(dosage: Resource) -> str | None:
    rated = first(dosage.get("doseAndRate"))
    # MedicationAdministration.dosage carries dose and rate directly.
    dose = (
        quantity_text(rated.get("doseQuantity"))
        or range_text(rated.get("doseRange"))
        or quantity_text(dosage.get("dose"))
    )
    rate = next(
        (
            text
            for holder in (rated, dosage)
            if (
                text := quantity_text(holder.get("rateQuantity"))
                or range_text(holder.get("rateRange"))
                or _ratio(holder.get("rateRatio"))
            )
        ),
        None,
    )
    return joined([dose, f"at {rate}" if rate else None], " ")


def _ratio(ratio: object) -> str | None:
    if not ratio:
        return None
    numerator = quantity_text(first(ratio).get("numerator"))
    denominator = quantity_text(first(ratio).get("denominator"))
    return f"{numerator} per {denominator}" if numerator and denominator else None


def _as_needed(dosage: Resource) -> str | None:
    condition = concept_text(dosage.get("asNeededCodeableConcept"))
    if condition:
        return f"as needed for {condition}"
    return "as needed" if dosage.get("asNeededBoolean") is True else None


def _most(dosage: Resource) -> str | None:
    most = _ratio(dosage.get("maxDosePerPeriod"))
    return f"at most {most}" if most else None


def timing_text(timing: object) -> str | None:
    """A Timing in words: `2 times per day`, `every 8 hours`, `bedtime`; its code where that is all."""
    if not timing:
        return None
    repeat = first(first(timing).get("repeat"))
    frequency, period = number(repeat.get("frequency")), number(repeat.get("period"))
    one_unit = _UNITS_OF_TIME.get(string(repeat.get("periodUnit")) or "")
    rhythm = None
    if period and one_unit:
        span_text = one_unit if period == 1 else f"{plain(period)} {one_unit}s"
        often = plain(frequency) if frequency else "1"
        most = number(repeat.get("frequencyMax"))
        often = f"{often}-{plain(most)}" if most else often
        if often == "1":
            rhythm = f"every {span_text}"
        else:
            rhythm = f"{often} times per {span_text}" if period == 1 else f"{often} times every {span_text}"
    days = joined(strings(repeat.get("dayOfWeek")), ", ")
    hours = joined(strings(repeat.get("timeOfDay")), ", ")
    return joined(
        [
            rhythm,
            *strings(repeat.get("when")),
            f"on {days}" if days else None,
            f"at {hours}" if hours else None,
        ],
        " ",
    ) or concept_text(first(timing).get("code"))
