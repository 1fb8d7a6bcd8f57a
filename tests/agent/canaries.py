"""Charts full of canaries: values that identify, each unique, of all 18 classes of Safe Harbor.

They stand in structured fields, in displays, in notes and comments, and in what an image's file says. Made by
a seed; nobody is called like that.
"""

import base64
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

PATIENTS = 10
_SYLLABLES = [
    "ba",
    "do",
    "fe",
    "gu",
    "ko",
    "li",
    "mur",
    "nes",
    "pol",
    "quar",
    "rin",
    "sto",
    "tev",
    "vash",
    "wil",
]

Resource = dict[str, Any]


@dataclass
class Planted:
    """One patient's chart, and the canaries in it by class."""

    patient: str
    resources: list[Resource] = field(default_factory=list)
    canaries: list[tuple[str, str]] = field(default_factory=list)


class Seeds:
    """Values of each class, no two the same."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)
        self._day = date(1950, 1, 1) + timedelta(days=self._random.randrange(365))
        self.planted: list[tuple[str, str]] = []

    def _new(self, kind: str, value: str) -> str:
        self.planted.append((kind, value))
        return value

    def word(self) -> str:
        """A name's part, which is no word."""
        return "".join(self._random.choices(_SYLLABLES, k=3)).capitalize() + self._random.choice("xzq")

    def digits(self, count: int) -> str:
        """So many digits, none of them leading zeros."""
        return str(self._random.randrange(10 ** (count - 1), 10**count))

    def letters(self, count: int) -> str:
        """So many capitals."""
        return "".join(self._random.choices(string.ascii_uppercase, k=count))

    def name(self) -> tuple[str, str]:
        """A given name and a family name."""
        given, family = self.word(), self.word()
        self._new("name", given)
        self._new("name", family)
        return given, family

    def place(self) -> str:
        """A street or town."""
        return self._new("geography", self.word())

    def day(self) -> date:
        """A day, with another weekday than the one before: moved by weeks, none becomes another."""
        self._day += timedelta(days=7 * self._random.randrange(20, 90) + 1)
        self._new("date", self._day.isoformat())
        return self._day

    def of(self, kind: str) -> str:
        """A value of one of the classes that are numbers."""
        made = {
            "phone": lambda: f"({self.digits(3)}) {self.digits(3)}-{self.digits(4)}",
            "fax": lambda: f"{self.digits(3)}-{self.digits(3)}-{self.digits(4)}",
            "email": lambda: f"{self.word().lower()}@{self.word().lower()}.example",
            "ssn": lambda: f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}",
            "mrn": lambda: f"MRN{self.digits(8)}",
            "health_plan": lambda: f"{self.letters(3)}{self.digits(9)}",
            "account": lambda: f"{self.digits(10)}",
            "licence": lambda: f"{self.letters(1)}{self.digits(8)}",
            "vehicle": lambda: f"{self.letters(3)}-{self.digits(4)}",
            "device": lambda: f"{self.letters(2)}{self.digits(7)}",
            "url": lambda: f"https://www.{self.word().lower()}.example/{self.word().lower()}",
            "ip": lambda: ".".join(str(self._random.randrange(11, 250)) for _ in range(4)),
            "biometric": lambda: f"{self.letters(2)}{self.digits(10)}",
            "other": lambda: f"{self.letters(2)}-{self.digits(7)}",
        }
        return self._new(kind, made[kind]())


def charts() -> Iterator[Planted]:
    """Ten charts of about a hundred canaries each."""
    for number in range(PATIENTS):
        yield _chart(number)


def _chart(number: int) -> Planted:
    seeds, patient = Seeds(number), f"canary-{number}"
    own, subject = f"Patient/{patient}", {"reference": f"Patient/{patient}"}
    given, family = seeds.name()
    doctor, nurse, kin = seeds.name(), seeds.name(), seeds.name()
    hospital, ward, town, street = (seeds.place() for _ in range(4))
    doctor_said = {"reference": f"Practitioner/{patient}-dr", "display": f"Dr. {doctor[0]} {doctor[1]}"}
    nurse_said = {"reference": f"Practitioner/{patient}-rn", "display": " ".join(nurse)}
    born, seen, noted = seeds.day(), seeds.day(), seeds.day()
    resources: list[Resource] = [
        {
            "resourceType": "Patient", "id": patient, "gender": "female", "birthDate": born.isoformat(),
            "name": [{"family": family, "given": [given]}],
            "identifier": [
                {"type": {"text": one}, "value": seeds.of(one)} for one in ("mrn", "ssn", "licence", "other")
            ],
            "telecom": [
                {"system": kind, "value": seeds.of(kind)} for kind in ("phone", "fax", "email", "url")
            ],
            "address": [{"line": [f"{seeds.digits(4)} {street} Street"], "city": town}],
            "contact": [
                {"name": {"text": " ".join(seeds.name())}, "telecom": [{"value": seeds.of("phone")}]}
            ],
            "extension": [{"url": "http://example.org/badge", "valueString": seeds.of("biometric")}],
        },
        {
            "resourceType": "Practitioner", "id": f"{patient}-dr",
            "name": [{"family": doctor[1], "given": [doctor[0]]}],
            "identifier": [{"value": seeds.of("licence")}], "telecom": [{"value": seeds.of("phone")}],
        },
        {
            "resourceType": "Practitioner", "id": f"{patient}-rn", "name": [{"text": " ".join(nurse)}],
        },
        {
            "resourceType": "RelatedPerson", "id": f"{patient}-kin", "patient": subject,
            "name": [{"family": kin[1], "given": [kin[0]]}], "telecom": [{"value": seeds.of("phone")}],
        },
        {
            "resourceType": "Coverage", "id": f"{patient}-plan", "status": "active", "beneficiary": subject,
            "payor": [{"display": "State Mutual"}], "subscriberId": seeds.of("health_plan"),
            "identifier": [{"value": seeds.of("account")}],
        },
        {
            "resourceType": "Device", "id": f"{patient}-pump", "patient": subject, "status": "active",
            "type": {"text": "insulin pump"}, "serialNumber": seeds.of("device"),
            "lotNumber": seeds.of("device"), "url": seeds.of("url"),
            "note": [{"text": f"Reports to {seeds.of('ip')}."}],
        },
        {
            "resourceType": "Encounter", "id": f"{patient}-visit", "status": "finished", "subject": subject,
            "class": {"code": "AMB"}, "period": {"start": seen.isoformat(), "end": seen.isoformat()},
            "participant": [{"individual": doctor_said}, {"individual": nurse_said}],
            "location": [{"location": {"display": f"{ward} Ward"}}],
            "serviceProvider": {"display": f"{hospital} Hospital"},
        },
        {
            "resourceType": "Condition", "id": f"{patient}-dm", "subject": subject, "recorder": doctor_said,
            "code": {"text": "Diabetes"},
            "clinicalStatus": {"coding": [{"code": "active"}]}, "onsetDateTime": noted.isoformat(),
            "note": [{"text": f"Told by her sister {' '.join(seeds.name())} on {seeds.day().isoformat()}."}],
        },
        {
            "resourceType": "MedicationRequest", "id": f"{patient}-rx", "status": "active", "intent": "order",
            "subject": subject, "requester": doctor_said, "authoredOn": noted.isoformat(),
            "medicationCodeableConcept": {"text": "Metformin 500 mg"},
            "dosageInstruction": [{"text": "1 tablet twice daily"}],
            "note": [{"text": f"Prior authorisation {seeds.of('other')}, call {seeds.of('phone')}."}],
        },
        {
            "resourceType": "Observation", "id": f"{patient}-a1c", "status": "final", "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"},
            "effectiveDateTime": seen.isoformat(), "performer": [nurse_said],
            "valueQuantity": {"value": 7.1, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
            "note": [{"text": f"Sample of {given} {family}, accession {seeds.of('other')}."}],
        },
    ]  # fmt: skip
    resources += [_document(seeds, patient, which, given, family) for which in range(6)]
    return Planted(own, resources, seeds.planted)


def _document(seeds: Seeds, patient: str, which: int, given: str, family: str) -> Resource:
    friend, pastor, doctor = (" ".join(seeds.name()) for _ in range(3))
    day, later = seeds.day(), seeds.day()
    text = (
        f"CLINIC NOTE\nMs. {family} ({given}) came with her neighbor {friend}, phone {seeds.of('phone')}.\n"
        f"Seen on {day.isoformat()} by Dr. {doctor} at {seeds.place()} Medical Center. HbA1c 7.1 %.\n"
        f"MRN: {seeds.of('mrn')}. SSN {seeds.of('ssn')}. Account number: {seeds.of('account')}.\n"
        f"Member ID {seeds.of('health_plan')}. Driver's license {seeds.of('licence')}.\n"
        f"License plate {seeds.of('vehicle')}. "
        f"Pump serial number {seeds.of('device')}. Fax {seeds.of('fax')}. Write to {seeds.of('email')}.\n"
        f"Portal {seeds.of('url')} from {seeds.of('ip')}. Fingerprint ID {seeds.of('biometric')}.\n"
        f"Visited by Pastor {pastor}. Return on {later.isoformat()}. Metformin 500 mg twice daily.\n"
    )
    return {
        "resourceType": "DocumentReference", "id": f"{patient}-note-{which}", "status": "current",
        "type": {"text": "Progress note"}, "subject": {"reference": f"Patient/{patient}"},
        "date": f"{day.isoformat()}T10:00:00Z", "author": [{"display": f"Dr. {doctor}"}],
        "content": [
            {"attachment": {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}}
        ],
    }  # fmt: skip


def image_with_canaries(name: str) -> bytes:
    """A PNG that says a name besides its picture: in a text chunk, and as EXIF."""
    import io

    from PIL import Image, PngImagePlugin

    told, exif = PngImagePlugin.PngInfo(), Image.Exif()
    told.add_text("Patient", name)
    exif[0x010E] = name
    held = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(held, "PNG", pnginfo=told, exif=exif)
    return held.getvalue()
