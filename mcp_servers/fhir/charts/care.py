"""Orders, care plans, goals, care teams, devices, coverage and family history as rows."""

from mcp_servers.fhir.charts.dates import Span, period_end, period_start, span, when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    concept_text,
    concepts_text,
    first,
    joined,
    objects,
    quantity_text,
    range_text,
    row_of,
    status_code,
    string,
)
from mcp_servers.fhir.charts.medications import NOT_IN_FORCE
from mcp_servers.fhir.charts.references import (
    Included,
    encounter_text,
    reason,
    reference_text,
    references_text,
)

# The statuses with which a standing record is over, or was never in force.
ENDED = frozenset(
    {"completed", "revoked", "cancelled", "inactive", "rejected", "stopped", "proposed", "draft"}
)


def order_row(order: Resource, included: Included) -> Row:
    """A ServiceRequest; `date` is when it was written, `planned` when it is to happen."""
    return row_of(
        name=concept_text(order.get("code")),
        date=string(order.get("authoredOn")) or when(order, "occurrence"),
        planned=when(order, "occurrence"),
        status=string(order.get("status")),
        intent=string(order.get("intent")),
        priority=string(order.get("priority")),
        type=concepts_text(order.get("category")),
        reason=reason(order, included),
        author=reference_text(order.get("requester"), order, included),
        encounter=encounter_text(order, included),
        do_not_perform=True if order.get("doNotPerform") is True else None,
    )


def care_plan_row(plan: Resource, included: Included) -> Row:
    """`activities` are what the plan asks for."""
    activities = joined(_activity(one, plan, included) for one in objects(plan.get("activity")))
    categories = joined(
        concept_text(one) for one in objects(plan.get("category")) if concept_text(one) != "assess-plan"
    )
    return row_of(
        name=string(plan.get("title")) or categories or string(plan.get("description")) or "care plan",
        date=period_start(plan.get("period")) or string(plan.get("created")),
        end=period_end(plan.get("period")),
        status=string(plan.get("status")),
        intent=string(plan.get("intent")),
        activities=activities,
        reason=references_text(plan.get("addresses"), plan, included),
    )


def _activity(activity: Resource, plan: Resource, included: Included) -> str | None:
    detail = first(activity.get("detail"))
    said = concept_text(detail.get("code")) or string(detail.get("description"))
    return said or reference_text(activity.get("reference"), plan, included)


def goal_row(goal: Resource, included: Included) -> Row:
    """`status` is the lifecycle; `achievement` how it goes; `target` what is aimed at, by when."""
    return row_of(
        name=concept_text(goal.get("description")),
        date=string(goal.get("startDate")) or string(goal.get("statusDate")),
        status=status_code(goal.get("lifecycleStatus")),
        achievement=concept_text(goal.get("achievementStatus")),
        target=joined(_target(one) for one in objects(goal.get("target"))),
        reason=references_text(goal.get("addresses"), goal, included),
    )


def _target(target: Resource) -> str | None:
    aimed = (
        quantity_text(target.get("detailQuantity"))
        or range_text(target.get("detailRange"))
        or concept_text(target.get("detailCodeableConcept"))
        or string(target.get("detailString"))
    )
    due = string(target.get("dueDate")) or quantity_text(target.get("dueDuration"))
    return joined([concept_text(target.get("measure")), aimed, f"by {due}" if due else None], " ")


def care_team_row(team: Resource, included: Included) -> Row:
    """`members` are the people and organizations with their roles."""
    return row_of(
        name=string(team.get("name")) or concepts_text(team.get("category")) or "care team",
        date=period_start(team.get("period")),
        end=period_end(team.get("period")),
        status=string(team.get("status")),
        members=joined(_member(one, team, included) for one in objects(team.get("participant"))),
        reason=reason(team, included),
    )


def _member(participant: Resource, team: Resource, included: Included) -> str | None:
    who = reference_text(participant.get("member"), team, included)
    role = concepts_text(participant.get("role"))
    return f"{who} ({role})" if who and role else who or role


def device_row(device: Resource, _: Included) -> Row:
    """`date` is the date of manufacture: a Device does not say since when the patient has it."""
    carrier = first(device.get("udiCarrier"))
    named = joined((string(one.get("name")) for one in objects(device.get("deviceName"))), ", ")
    return row_of(
        name=named or concept_text(device.get("type")) or string(device.get("modelNumber")) or "device",
        date=string(device.get("manufactureDate")),
        expires=string(device.get("expirationDate")),
        status=string(device.get("status")),
        type=concept_text(device.get("type")),
        manufacturer=string(device.get("manufacturer")),
        identifier=string(carrier.get("deviceIdentifier")) or string(device.get("serialNumber")),
    )


def coverage_row(coverage: Resource, included: Included) -> Row:
    """`name` is the plan, else the type of insurance, else the payer."""
    plans = joined(string(one.get("name")) for one in objects(coverage.get("class")))
    kind = concept_text(coverage.get("type"))
    payer = references_text(coverage.get("payor"), coverage, included)
    return row_of(
        name=plans or kind or payer,
        date=period_start(coverage.get("period")),
        end=period_end(coverage.get("period")),
        status=string(coverage.get("status")),
        type=kind,
        payer=payer,
    )


def family_row(history: Resource, _: Included) -> Row:
    """One relative: `name` is the relationship, `conditions` what the relative had."""
    deceased = history.get("deceasedBoolean")
    age = quantity_text(history.get("deceasedAge"))
    return row_of(
        name=concept_text(history.get("relationship")) or string(history.get("name")),
        date=string(history.get("date")),
        status=string(history.get("status")),
        conditions=joined(_relatives_condition(one) for one in objects(history.get("condition"))),
        deceased=deceased if isinstance(deceased, bool) else age or string(history.get("deceasedDate")),
        reason=concepts_text(history.get("reasonCode")),
    )


def _relatives_condition(condition: Resource) -> str | None:
    name = concept_text(condition.get("code"))
    age = quantity_text(condition.get("onsetAge"))
    onset = f"onset at age {age}" if age else string(condition.get("onsetString"))
    onset = onset or range_text(condition.get("onsetRange")) or period_start(condition.get("onsetPeriod"))
    return f"{name} ({onset})" if name and onset else name


def why_not_in_force(resource: Resource, now: Span) -> str | None:
    """Why a standing record (order, plan, goal, team, device, coverage) is not in force; None where it is."""
    status = status_code(resource.get("status")) or status_code(resource.get("lifecycleStatus"))
    if status in ENDED:
        return status
    if resource.get("resourceType") == "ServiceRequest":
        if resource.get("doNotPerform") is True:
            return "order not to perform"
        if string(resource.get("intent")) in NOT_IN_FORCE:
            return f"only a {resource['intent']}"
    if resource.get("resourceType") == "Coverage":
        ended = span(period_end(resource.get("period")))
        if ended and ended.ends_before(now):
            return "period ended"
    return None
