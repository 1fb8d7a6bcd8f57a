"""The patient lock on single records and parameters."""

from typing import Any

import pytest

from mcp_servers.fhir.access.compartment import PatientLock, in_compartment
from mcp_servers.fhir.errors import PatientLocked
from tests.mcp_servers.fhir.scripted import BASE, observation

Resource = dict[str, Any]

A: dict[str, str] = {"reference": "Patient/A"}
B: dict[str, str] = {"reference": "Patient/B"}


def lock() -> PatientLock:
    return PatientLock("Patient/A", BASE)


def record(kind: str, **elements: Any) -> Resource:
    return {"resourceType": kind, "id": "1", **elements}


@pytest.mark.parametrize(
    "resource",
    [
        record("Observation", subject=A),
        record("Observation", subject={"reference": "Patient/A/_history/3"}),
        record("Observation", subject={"reference": f"{BASE}/Patient/A"}),
        record("Observation", subject=A, performer=[B]),
        record("AllergyIntolerance", patient=A, asserter=B),
        record("Appointment", participant=[{"actor": A}, {"actor": {"reference": "Practitioner/1"}}]),
        record("Appointment", participant=[{"actor": A}, {"actor": {"display": "Dr Who"}}]),
        record("Provenance", target=[A, {"reference": "Observation/7"}]),
        record("Schedule", actor=[A]),
        record("Coverage", beneficiary=A, payor=[B]),
        record("Device", patient=A),
        {"resourceType": "Patient", "id": "A"},
    ],
)
def test_a_record_about_this_patient_alone_is_inside(resource: Resource) -> None:
    assert lock().verdict(resource) == "inside"


@pytest.mark.parametrize(
    "resource",
    [
        record("Appointment", participant=[{"actor": A}, {"actor": B}]),
        record("Appointment", participant=[{"actor": A}, {"actor": {"identifier": {"value": "77"}}}]),
        record("Group", member=[{"entity": A}, {"entity": B}]),
        record("Observation", subject=B, performer=[A]),
        record("AllergyIntolerance", patient=B, recorder=A),
    ],
)
def test_a_record_that_is_about_others_too_is_shared(resource: Resource) -> None:
    assert lock().verdict(resource) == "shared"
    assert not lock().may_see(resource)


@pytest.mark.parametrize(
    "resource",
    [
        record("Observation", subject=B),
        record("Observation"),
        record("Observation", subject={"identifier": {"value": "A"}}),
        record("Observation", subject={"reference": "urn:uuid:1"}),
        record("Observation", subject={"reference": "https://elsewhere.example/fhir/Patient/A"}),
        record("Observation", subject={"reference": "Patient?identifier=A"}),
        record("Observation", subject={"reference": "Group/A"}),
        record(
            "Observation", subject={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]
        ),
        record("Observation", subject="Patient/A"),
        record("Device", patient=B),
        record("Device"),
        record("Binary", securityContext=B),
        record("Bundle", subject=A),
        {"resourceType": "Patient", "id": "B"},
    ],
)
def test_a_record_that_does_not_name_this_patient_is_outside(resource: Resource) -> None:
    assert lock().verdict(resource) == "outside"
    assert not lock().may_see(resource)


def test_a_record_about_nobody_is_seen_once_the_patients_own_record_refers_to_it() -> None:
    bound = lock()
    practitioner = record("Practitioner")
    assert not bound.may_see(practitioner)
    bound.admit(observation("o", "A", performer=[{"reference": "Practitioner/1"}]))
    assert bound.may_see(practitioner)


def test_what_a_practitioner_refers_to_is_not_opened_by_that() -> None:
    bound = lock()
    bound.admit(observation("o", "A", performer=[{"reference": "PractitionerRole/1"}]))
    bound.admit(record("PractitionerRole", practitioner={"reference": "Practitioner/1"}))
    assert not bound.may_see(record("Practitioner"))


def test_a_device_of_another_patient_stays_shut_though_a_record_refers_to_it() -> None:
    bound = lock()
    bound.admit(observation("o", "A", device={"reference": "Device/1"}))
    assert not bound.may_see(record("Device", patient=B))
    assert bound.may_see(record("Device"))


def test_mentions_of_other_patients_are_withheld_and_counted() -> None:
    shown: Resource = {
        "resourceType": "Patient",
        "id": "A",
        "link": [{"other": {**B, "display": "Jane Roe"}, "type": "seealso"}],
        "contained": [{"resourceType": "Patient", "id": "x", "name": [{"family": "Roe"}]}],
    }
    assert lock().admit(shown) == 2
    assert "Roe" not in str(shown)
    assert "Patient/B" not in str(shown)
    assert shown["link"][0]["type"] == "seealso"


@pytest.mark.parametrize(
    "other",
    [
        {"type": "Patient", "identifier": {"value": "77"}},
        {"type": "Patient"},
        {"type": "Patient", "reference": "urn:uuid:1"},
        {"reference": "Patient?identifier=77"},
        {"reference": "../Patient/B"},
        {"reference": "Patient/B|1"},
        {"reference": "#p"},
    ],
)
def test_another_patient_is_withheld_however_the_reference_is_written(other: Resource) -> None:
    contained = [{"resourceType": "Patient", "id": "p"}]
    shown = observation("o", "A", contained=contained, performer=[{**other, "display": "Jane Roe"}])
    lock().admit(shown)
    assert shown["performer"] == [{"display": "another patient (withheld)"}]


@pytest.mark.parametrize(
    "elements",
    [
        {"contained": {"resourceType": "Patient", "id": "p", "name": [{"family": "Roe"}]}},
        {"extension": [{"valueResource": observation("x", "B", note=[{"text": "Roe"}])}]},
    ],
)
def test_a_record_of_another_patient_is_taken_out_wherever_it_is_nested(elements: Resource) -> None:
    shown = observation("o", "A", **elements)
    assert lock().admit(shown) == 1
    assert "Roe" not in str(shown)


@pytest.mark.parametrize(
    "subject",
    [{"identifier": {"value": "77"}}, {"reference": "urn:uuid:1"}, {"reference": "#p"}, "Patient/A"],
)
def test_a_contained_record_about_a_patient_who_cannot_be_told_is_taken_out(subject: Any) -> None:
    contained = [
        observation("x", "A", subject=subject, note=[{"text": "Roe"}]),
        {"resourceType": "Patient", "id": "p"},
    ]
    shown = observation("o", "A", contained=contained)
    assert lock().admit(shown) == 2
    assert "Roe" not in str(shown)


@pytest.mark.parametrize(
    "subject",
    [A, {"reference": "#"}, {"reference": "#g"}, {"type": "Group", "identifier": {"value": "7"}}, None],
)
def test_a_contained_record_about_the_patient_or_no_patient_stays(subject: Any) -> None:
    shown = observation(
        "o", "A", contained=[observation("x", "A", subject=subject), {"resourceType": "Group", "id": "g"}]
    )
    assert lock().admit(shown) == 0


def test_a_file_or_a_bundle_is_not_opened_by_a_reference_when_it_is_or_may_be_anothers() -> None:
    bound = lock()
    urls = [{"attachment": {"url": ref}} for ref in ("Binary/1", "Bundle/1")]
    bound.admit({"resourceType": "DocumentReference", "id": "d", "subject": A, "content": urls})
    assert bound.may_see(record("Binary"))
    assert bound.may_see(record("Binary", securityContext=A))
    assert not bound.may_see(record("Binary", securityContext=B))
    assert not bound.may_see(record("Bundle"))


def test_a_contained_record_of_another_patient_is_taken_out_and_a_medication_stays() -> None:
    contained = [observation("x", "B"), {"resourceType": "Medication", "id": "m"}]
    shown = observation("o", "A", contained=contained)
    assert lock().admit(shown) == 1
    assert [item["id"] for item in shown["contained"]] == ["m"]


def test_references_to_this_server_become_relative_and_others_stay() -> None:
    shown = observation(
        "o",
        "A",
        encounter={"reference": f"{BASE}/Encounter/9"},
        basedOn=[{"reference": "https://elsewhere.example/fhir/ServiceRequest/1"}],
    )
    assert lock().admit(shown) == 0
    assert shown["encounter"]["reference"] == "Encounter/9"
    assert shown["basedOn"][0]["reference"] == "https://elsewhere.example/fhir/ServiceRequest/1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_has:Observation:patient:code", "1"),
        ("_revinclude", "Provenance:target"),
        ("_revinclude:iterate", "Provenance:target"),
        ("_filter", "code eq 1"),
        ("_query", "q"),
        ("_list", "1"),
        ("_contained", "true"),
        ("_content", "x"),
        ("_text", "x"),
        ("subject.name", "Roe"),
        ("subject:Patient.name", "Roe"),
        ("subject:Patient", "A"),
        ("performer:Patient", "B"),
        ("patient:identifier", "mrn|1"),
        ("patient:not", "A"),
        ("patient", "B"),
        ("patient", "A,B"),
        ("patient", "Patient/B"),
        ("patient", " "),
        ("subject", "Group/A"),
        ("subject", f"{BASE}/Patient/B"),
        ("patient", "https://elsewhere.example/fhir/Patient/A"),
        ("performer", "Patient/B"),
        ("performer", "Practitioner/1,Patient/B"),
        ("performer", "Patient/B\\,x"),
        ("code-value-concept", "1$Patient/B"),
        ("subject", "Patient/A/_history/1/../../B"),
    ],
)
def test_a_parameter_that_reaches_beyond_the_patient_is_refused(name: str, value: str) -> None:
    with pytest.raises(PatientLocked):
        lock().check_parameter("Observation", name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", "http://loinc.org|4548-4,8867-4"),
        ("patient", "A"),
        ("patient", "Patient/A"),
        ("subject", f"{BASE}/Patient/A"),
        ("performer", "Patient/A"),
        ("performer", "Practitioner/1"),
        ("date", "ge2019-05"),
        ("_include", "Observation:subject"),
    ],
)
def test_a_parameter_within_the_patient_passes(name: str, value: str) -> None:
    lock().check_parameter("Observation", name, value)


def test_patients_cannot_be_asked_for_by_another_id() -> None:
    with pytest.raises(PatientLocked):
        lock().check_parameter("Patient", "_id", "B")
    lock().check_parameter("Patient", "_id", "A")
    lock().check_parameter("Observation", "_id", "B")


IN_THE_COMPARTMENT = (
    "Account", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse", "AuditEvent",
    "Basic", "BodyStructure", "CarePlan", "CareTeam", "ChargeItem", "Claim", "ClaimResponse",
    "ClinicalImpression", "Communication", "CommunicationRequest", "Composition", "Condition", "Consent",
    "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "DetectedIssue",
    "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest", "DocumentReference",
    "Encounter", "EnrollmentRequest", "EpisodeOfCare", "ExplanationOfBenefit", "FamilyMemberHistory",
    "Flag", "Goal", "Group", "ImagingStudy", "Immunization", "ImmunizationEvaluation",
    "ImmunizationRecommendation", "Invoice", "List", "MeasureReport", "Media", "MedicationAdministration",
    "MedicationDispense", "MedicationRequest", "MedicationStatement", "MolecularSequence",
    "NutritionOrder", "Observation", "Patient", "Person", "Procedure", "Provenance",
    "QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchSubject", "RiskAssessment",
    "Schedule", "ServiceRequest", "Specimen", "SupplyDelivery", "SupplyRequest", "VisionPrescription",
)  # fmt: skip
OUTSIDE = (
    "Binary", "Bundle", "Device", "Location", "Medication", "Organization", "Practitioner",
    "PractitionerRole", "Substance",
)  # fmt: skip
BY_SUBJECT = (
    "CarePlan", "CareTeam", "Composition", "Condition", "DiagnosticReport", "DocumentReference",
    "Encounter", "Goal", "ImagingStudy", "MedicationAdministration", "MedicationDispense",
    "MedicationRequest", "MedicationStatement", "Observation", "Procedure", "ServiceRequest",
)  # fmt: skip
BY_PATIENT = ("AllergyIntolerance", "FamilyMemberHistory", "Immunization")


def test_the_compartment_is_the_published_one_of_r4() -> None:
    assert [kind for kind in IN_THE_COMPARTMENT if not in_compartment(kind)] == []
    assert [kind for kind in OUTSIDE if in_compartment(kind)] == []


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        *((kind, "subject") for kind in BY_SUBJECT),
        *((kind, "patient") for kind in BY_PATIENT),
        ("Coverage", "beneficiary"),
    ],
)
def test_whom_a_record_is_about_differs_by_its_type(kind: str, owner: str) -> None:
    assert lock().verdict(record(kind, **{owner: A})) == "inside"
    assert lock().verdict(record(kind, **{owner: B})) == "outside"
    other = "subject" if owner == "patient" else "patient"
    assert lock().verdict(record(kind, **{other: A})) == "outside"


@pytest.mark.parametrize(
    ("kind", "owner", "taking_part"),
    [
        ("AllergyIntolerance", "patient", {"recorder": A}),
        ("AllergyIntolerance", "patient", {"asserter": A}),
        ("CarePlan", "subject", {"activity": [{"detail": {"performer": [A]}}]}),
        ("CareTeam", "subject", {"participant": [{"member": A}]}),
        ("Composition", "subject", {"author": [A]}),
        ("Composition", "subject", {"attester": [{"party": A}]}),
        ("Condition", "subject", {"asserter": A}),
        ("Coverage", "beneficiary", {"policyHolder": A}),
        ("Coverage", "beneficiary", {"subscriber": A}),
        ("Coverage", "beneficiary", {"payor": [A]}),
        ("DocumentReference", "subject", {"author": [A]}),
        ("MedicationAdministration", "subject", {"performer": [{"actor": A}]}),
        ("MedicationDispense", "subject", {"receiver": [A]}),
        ("Observation", "subject", {"performer": [A]}),
        ("Procedure", "subject", {"performer": [{"actor": A}]}),
        ("ServiceRequest", "subject", {"performer": [A]}),
    ],
)
def test_to_take_part_in_anothers_record_is_not_to_own_it(
    kind: str, owner: str, taking_part: Resource
) -> None:
    of_another = record(kind, **{owner: B}, **taking_part)
    assert lock().verdict(of_another) == "shared"
    assert not lock().may_see(of_another)


class Counted(dict[str, Any]):  # noqa: PLW1641 - as every dict, it has no hash
    """A record that counts how often one of its kind is looked into, or compared."""

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.looks += 1
        return super().get(key, default)

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return super().__eq__(other)


@pytest.mark.parametrize(
    ("subject", "stay"), [(B, 0), ({"reference": "#gone"}, 0), ({"reference": "#c999"}, 1000)]
)
def test_the_work_that_contained_records_make_grows_with_their_number_alone(
    subject: Resource, stay: int
) -> None:
    many = [Counted(record("Observation"), id=f"c{n}", subject=subject, contained=[]) for n in range(1000)]
    holder = record("Observation", subject=[A, *[subject] * 1000], contained=many)
    Counted.looks = 0
    lock().verdict(holder)
    lock().admit(holder)
    assert len(holder["contained"]) == stay
    assert Counted.looks < 50 * len(many)
