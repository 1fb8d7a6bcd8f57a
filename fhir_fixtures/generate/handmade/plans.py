"""Amara Okafor's orders, plans, goals, devices, team and cover: each live one beside one that is not."""

from fhir_fixtures.generate.handmade.building import hl7, loinc, record, ref, snomed
from fhir_fixtures.generate.handmade.okafor import DOCTOR, P
from fhir_fixtures.generate.references import Resource


def records() -> list[Resource]:
    """What is planned for her, and what she is fitted and covered with."""
    return [*_orders(), *_plans(), *_devices(), *_team_and_cover()]


def _orders() -> list[Resource]:
    def asked(name: str, status: str, code: dict[str, object], **elements: object) -> Resource:
        wish = {"intent": "order", "authoredOn": "2026-09-14", "requester": DOCTOR, **elements}
        return record("ServiceRequest", P, name, status=status, code=code, **wish)

    retina = snomed("314971001", "Camera fundoscopy")
    return [
        asked("order-hba1c", "active", loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")),
        asked("order-foot-exam", "completed", snomed("401191002", "Diabetic foot examination")),
        asked("order-retina", "revoked", retina, authoredOn="2026-03-02"),
        asked("order-mistaken", "entered-in-error", snomed("71388002", "Amputation of toe")),
        asked(
            "no-pressure-left-arm",
            "active",
            snomed("46973005", "Blood pressure taking"),
            doNotPerform=True,
            bodySite=[snomed("368208006", "Left upper arm structure")],
        ),
    ]


def _plans() -> list[Resource]:
    def plan(name: str, status: str, title: str, **elements: object) -> Resource:
        return record("CarePlan", P, name, status=status, intent="plan", title=title, **elements)

    def goal(name: str, status: str, text: str, **elements: object) -> Resource:
        return record("Goal", P, name, lifecycleStatus=status, description={"text": text}, **elements)

    return [
        goal("goal-hba1c", "active", "HbA1c below 7 %", startDate="2026-09-14"),
        goal("goal-smoking", "cancelled", "Stop smoking", startDate="2019-01-08"),
        goal("goal-mistaken", "entered-in-error", "Gain 10 kg"),
        plan(
            "plan-diabetes",
            "active",
            "Diabetes self-management",
            period={"start": "2023-02-10"},
            addresses=[ref(f"Condition/{P}-diabetes")],
            goal=[ref(f"Goal/{P}-goal-hba1c")],
        ),
        plan("plan-rehabilitation", "revoked", "Pulmonary rehabilitation", period={"start": "2019-01"}),
    ]


def _devices() -> list[Resource]:
    def device(name: str, status: str, code: str, display: str) -> Resource:
        kind = snomed(code, display)
        return {
            "resourceType": "Device",
            "id": f"{P}-{name}",
            "status": status,
            "type": kind,
            "patient": ref(f"Patient/{P}"),
        }

    return [
        device("glucose-sensor", "active", "700585005", "Continuous glucose monitoring system"),
        device("walking-stick", "inactive", "87405001", "Cane"),
        device("pacemaker", "entered-in-error", "14106009", "Cardiac pacemaker"),
    ]


def _team_and_cover() -> list[Resource]:
    members = [{"role": [{"text": "Family physician"}], "member": DOCTOR}]
    cover = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": ref(f"Patient/{P}"),
        "payor": [ref("Organization/hard-mutual-insurance", "Mutual Insurance")],
    }
    return [
        record("CareTeam", P, "team", status="active", name="Diabetes team", participant=members),
        {**cover, "id": f"{P}-cover-2026", "period": {"start": "2026-01-01", "end": "2026-12-31"}},
        {**cover, "id": f"{P}-cover-2019", "status": "cancelled", "period": {"start": "2019", "end": "2025"}},
        record(
            "FamilyMemberHistory",
            P,
            "father",
            status="completed",
            relationship=hl7("v3-RoleCode", "FTH"),
            condition=[
                {"code": snomed("44054006", "Diabetes mellitus type 2"), "onsetString": "in his fifties"}
            ],
            deceasedAge={"value": 71, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"},
        ),
    ]
