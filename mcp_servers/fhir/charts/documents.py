"""Reports, documents and imaging studies as rows; never their bytes or narrative."""

from mcp_servers.fhir.charts.dates import period_start, when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    coding_text,
    concept_text,
    concepts_text,
    first,
    joined,
    objects,
    row_of,
    string,
    strings,
)
from mcp_servers.fhir.charts.references import Included, encounter_text, reason, references_text


def report_row(report: Resource, included: Included) -> Row:
    """`date` is when it held (`effective`), else when it was issued; `type` is its category."""
    conclusion = string(report.get("conclusion")) or concepts_text(report.get("conclusionCode"))
    return row_of(
        name=concept_text(report.get("code")),
        date=when(report, "effective") or string(report.get("issued")),
        status=string(report.get("status")),
        type=concepts_text(report.get("category")),
        conclusion=conclusion,
        author=references_text(report.get("resultsInterpreter"), report, included)
        or references_text(report.get("performer"), report, included),
        encounter=encounter_text(report, included),
        results=len(objects(report.get("result"))) or None,
        attachments=_attachments(objects(report.get("presentedForm"))),
    )


def document_row(document: Resource, included: Included) -> Row:
    """A DocumentReference or a Composition; `attachments` are media types only."""
    kind = concept_text(document.get("type"))
    forms = [first(content.get("attachment")) for content in objects(document.get("content"))]
    titles = joined(string(form.get("title")) for form in forms)
    context = first(document.get("context"))
    return row_of(
        name=string(document.get("title")) or kind or titles or concepts_text(document.get("category")),
        date=string(document.get("date")) or period_start(context.get("period")),
        status=string(document.get("status")),
        doc_status=string(document.get("docStatus")),
        type=kind,
        author=references_text(document.get("author"), document, included),
        description=string(document.get("description")),
        sections=joined(string(section.get("title")) for section in objects(document.get("section"))),
        attachments=_attachments(forms),
    )


def _attachments(forms: list[Resource]) -> str | None:
    return joined((string(form.get("contentType")) or "attachment" for form in forms if form), ", ")


def imaging_row(study: Resource, included: Included) -> Row:
    """`modality` and `body_site` are gathered from the study and its series."""
    series = objects(study.get("series"))
    modalities = [*objects(study.get("modality")), *(first(one.get("modality")) for one in series)]
    sites = joined((coding_text(one.get("bodySite")) for one in series), ", ")
    modality = joined((coding_text(one) for one in modalities), ", ")
    description = string(study.get("description"))
    parts = joined([modality, sites], ", ")
    return row_of(
        name=description or concepts_text(study.get("procedureCode")) or parts or "imaging study",
        date=string(study.get("started")),
        status=string(study.get("status")),
        modality=modality,
        body_site=sites,
        reason=reason(study, included),
        series=len(series) or None,
        conclusion=joined(note for one in objects(study.get("note")) for note in strings(one.get("text"))),
    )
