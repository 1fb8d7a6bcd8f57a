"""References resolved to records at hand and to display texts; none is ever followed."""

from collections.abc import Mapping

from mcp_servers.fhir.charts.elements import (
    Resource,
    concept_text,
    first,
    joined,
    objects,
    string,
)
from mcp_servers.fhir.charts.names import human_name

Included = Mapping[str, Resource]


def resolved(reference: object, holder: Resource, included: Included) -> Resource:
    """The record that a Reference points to, from `contained` or `included`; an empty one where not there.

    An absolute address is only looked up as it is: it may be another server's record of the same id.
    """
    target = string(first(reference).get("reference"))
    if target is None:
        return {}
    if target.startswith("#"):
        return next((one for one in objects(holder.get("contained")) if one.get("id") == target[1:]), {})
    return first(included.get(target.split("/_history/")[0]))


def reference_text(reference: object, holder: Resource, included: Included) -> str | None:
    """What a Reference points to, in words: its display, the record's name, its identifier, or itself."""
    told = _told(reference, resolved(reference, holder, included))
    return told or string(first(reference).get("reference"))


def _told(reference: object, target: Resource) -> str | None:
    """A Reference's display, the name of the record it points to, or its identifier."""
    return (
        string(first(reference).get("display"))
        or record_name(target)
        or string(first(first(reference).get("identifier")).get("value"))
    )


def who(references: object, holder: Resource, included: Included) -> str | None:
    """The people and organizations referred to, as `reference_text`.

    `references` are References, or participants that hold one as `actor`.
    """
    found = [first(one.get("actor")) or one for one in objects(references)]
    return joined(reference_text(one, holder, included) for one in found)


def encounter_text(resource: Resource, included: Included) -> str | None:
    """The encounter that a record was made in, as its display or, where it is at hand, its name and day.

    One of which only the reference is known is left out: nearly every record has one, as long as its row.
    """
    reference = resource.get("encounter") or resource.get("context")
    encounter = resolved(reference, resource, included)
    day = string(first(encounter.get("period")).get("start"))
    return joined([_told(reference, encounter), day[:10] if day else None], " ")


def references_text(references: object, holder: Resource, included: Included) -> str | None:
    """The texts of a list of References, joined."""
    return joined(reference_text(reference, holder, included) for reference in objects(references))


def record_name(resource: Resource) -> str | None:
    """What to call any record: a person's name, a plain name or title, or the text of what it is coded as."""
    if not resource:
        return None
    name = resource.get("name")
    return (
        string(name)
        or (human_name(name) if isinstance(name, list) else None)
        or concept_text(resource.get("code"))
        or string(resource.get("title"))
        or concept_text(resource.get("type"))
    )


def reason(resource: Resource, included: Included) -> str | None:
    """Why something was done: `reasonCode`, else what `reasonReference` points to."""
    coded = joined(concept_text(concept) for concept in objects(resource.get("reasonCode")))
    return coded or references_text(resource.get("reasonReference"), resource, included)
