"""Observations as rows."""

from mcp_servers.fhir.charts.dates import when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    codes,
    concept_text,
    resource_ref,
    row_of,
    string,
)
from mcp_servers.fhir.charts.interpretation import interpretation
from mcp_servers.fhir.charts.references import Included
from mcp_servers.fhir.charts.values import components, main_code, panel_text, reference_ranges, value_fields

# Tobacco smoking status and use, pack-years, alcohol use, drinks a day, occupation.
SOCIAL_HISTORY_CODES = ("72166-2", "11367-0", "8664-5", "11331-6", "74013-4", "11341-5")


def is_social_history(observation: Resource) -> bool:
    """By category, or by the codes of smoking, alcohol and occupation: some charts do not categorise them."""
    if "social-history" in codes(observation.get("category")):
        return True
    return any(code in SOCIAL_HISTORY_CODES for code in codes(observation.get("code")))


def observed_at(observation: Resource) -> str | None:
    """When the observation held. Its release (`issued`) is another date, and never stands for it."""
    return when(observation, "effective")


def _issued(observation: Resource) -> str | None:
    """When it was released, told only where nothing says when it held."""
    return None if observed_at(observation) else string(observation.get("issued"))


def observation_row(observation: Resource, _: Included) -> Row:
    """`name, code, date, value, unit, comparator, interpretation, range, status`, `components` for panels.

    Without a date, `issued` is when it was released.
    """
    parts = components(observation)
    valued = value_fields(observation)
    if parts and "value" not in valued:
        text = panel_text(parts)
        units = {part.get("unit") for part in parts if "value" in part}
        shared = next(iter(units)) if len(units) == 1 else None
        valued = row_of(value=text, unit=shared) if text else valued
    return {
        **row_of(
            name=concept_text(observation.get("code")),
            code=main_code(observation.get("code")),
            date=observed_at(observation),
            issued=_issued(observation),
        ),
        **valued,
        **row_of(
            interpretation=interpretation(observation),
            range=reference_ranges(observation),
            status=string(observation.get("status")) or "unknown",
            components=parts,
            body_site=concept_text(observation.get("bodySite")),
            method=concept_text(observation.get("method")),
        ),
    }


def component_row(observation: Resource, part: Resource) -> Row:
    """One component of a panel as a row of its own, dated and labelled as the panel is."""
    return {
        "ref": resource_ref(observation),
        **row_of(
            name=concept_text(part.get("code")),
            code=main_code(part.get("code")),
            date=observed_at(observation),
            issued=_issued(observation),
        ),
        **value_fields(part),
        **row_of(
            interpretation=interpretation(part),
            range=reference_ranges(part),
            status=string(observation.get("status")) or "unknown",
            panel=concept_text(observation.get("code")),
        ),
    }
