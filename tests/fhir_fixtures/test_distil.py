"""From FHIRPath expressions to paths."""

from typing import Any

import pytest

from fhir_fixtures.distil import Elements, NotExpressible, paths, patient_compartment, search_parameters


def structure(name: str, kind: str, *elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": name, "kind": kind, "abstract": False, "snapshot": {"element": list(elements)}}


def element(path: str, *types: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "type": [{"code": code} for code in types], **more}


REQUIRED = {"strength": "required", "valueSet": "http://vs|4.0.1"}
ELEMENTS = Elements(
    [
        structure("Coded", "complex-type", element("Coded.value[x]", "string", "Quantity")),
        structure(
            "Thing",
            "resource",
            element("Thing.status", "code", binding=REQUIRED, isSummary=True, min=1),
            element("Thing.value[x]", "dateTime", "CodeableConcept", "Reference", min=1),
            element("Thing.subject", "Reference"),
            element("Thing.telecom", "ContactPoint"),
            element("Thing.use", "Coded"),
            element("Thing.part", "BackboneElement"),
            element("Thing.part.code", "CodeableConcept"),
            element("Thing.part.part", contentReference="#Thing.part"),
        ),
    ],
    [{"resourceType": "ValueSet", "url": "http://vs", "compose": {"include": [{"system": "http://cs"}]}}],
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    {
        "Thing.part.code": ["part.code"],
        "Thing.part.part.code": ["part.part.code"],
        "Thing.value": ["valueDateTime", "valueCodeableConcept", "valueReference"],
        "(Thing.value as CodeableConcept)": ["valueCodeableConcept"],
        "Thing.value.as(DateTime) | Thing.value.as(Reference)": ["valueDateTime", "valueReference"],
        "(Thing.value as CodeableConcept).text | Other.value": NotExpressible,
        "Thing.use.value": ["use.valueString", "use.valueQuantity"],
        "(Thing.use.value as Quantity)": ["use.valueQuantity"],
        "Thing.subject.where(resolve() is Patient)": ["subject:Patient"],
        "Thing.telecom.where(system='phone')": ["telecom[system=phone]"],
        "Thing | Thing.part": ["", "part"],
        "Other.subject": [],
        "Thing.absent": NotExpressible,
        "Thing.part[0].code": NotExpressible,
        "Thing.part.first()": NotExpressible,
    }.items(),
)
def test_an_expression_becomes_the_paths_of_its_values(
    expression: str, expected: list[str] | type[Exception]
) -> None:
    if isinstance(expected, list):
        assert list(paths(expression, "Thing", ELEMENTS)) == expected
    else:
        with pytest.raises(expected):
            paths(expression, "Thing", ELEMENTS)


def definition(code: str, kind: str, expression: str | None, **more: Any) -> dict[str, Any]:
    found = {"url": f"http://sp/{code}", "code": code, "base": ["Thing"], "type": kind, **more}
    return found | ({"expression": expression} if expression else {})


def test_the_table_holds_what_can_be_expressed_and_lists_the_rest() -> None:
    table = search_parameters(
        [
            definition("status", "token", "Thing.status"),
            definition("subject", "reference", "Thing.subject", target=["Patient", "Group"]),
            definition(
                "patient", "reference", "Thing.subject.where(resolve() is Patient)", target=["Patient"]
            ),
            definition(
                "status-part",
                "composite",
                "Thing",
                component=[
                    {"definition": "http://sp/status", "expression": "status"},
                    {"definition": "http://sp/subject", "expression": "value.as(Reference)"},
                ],
            ),
            definition("near", "special", "Thing.subject"),
            definition("odd", "token", "Thing.part.first()"),
        ],
        ELEMENTS,
    )
    assert table["left_out"] == [
        "Thing.near: no expression, or of a kind of its own",
        "Thing.odd: part.first()",
    ]
    thing = table["types"]["Thing"]
    assert thing["summary"] == ["status"]
    assert thing["mandatory"] == ["status", "valueDateTime", "valueCodeableConcept", "valueReference"]
    assert thing["parameters"] == {
        "patient": {"type": "reference", "paths": ["subject:Patient"], "targets": ["Patient"]},
        "status": {"type": "token", "paths": ["status"], "systems": {"status": "http://cs"}},
        "status-part": {
            "type": "composite",
            "paths": [""],
            "components": [
                {"type": "token", "paths": ["status"]},
                {"type": "reference", "paths": ["valueReference"]},
            ],
        },
        "subject": {"type": "reference", "paths": ["subject"], "targets": ["Group", "Patient"]},
    }


def test_the_compartment_names_whom_a_record_is_about_apart_from_who_took_part() -> None:
    parameters = {
        "patient": {"paths": ["subject:Patient"], "targets": ["Patient"]},
        "performer": {"paths": ["performer.actor"], "targets": ["Patient", "Practitioner"]},
    }
    members = {"resource": [{"code": "Thing", "param": ["patient", "performer"]}, {"code": "Other"}]}
    table = {"types": {"Thing": {"parameters": parameters}}}
    assert patient_compartment(members, table) == {
        "Thing": {"owner": [["subject"]], "all": [["subject"], ["performer", "actor"]]}
    }
