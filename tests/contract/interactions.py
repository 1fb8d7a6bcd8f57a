"""The cases that no parameter table gives: reads, pages, sorting, shapes, joins, and what is refused."""

from collections.abc import Iterator
from urllib.parse import quote

from tests.contract.charted import busiest, by_type, drawn, index, parameters, tokens
from tests.contract.exchange import PAGE, Case
from tests.contract.searches import search

ABSENT = "contract-no-such-record"
LOINC = "http%3A%2F%2Floinc.org%7C"
UCUM = "%7Chttp%3A%2F%2Funitsofmeasure.org%7C"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
LENIENT = (("Prefer", "handling=lenient"),)


def interactions() -> Iterator[Case]:
    """Every case that is not drawn from a parameter and changes nothing."""
    yield from reads()
    yield from pages()
    yield from sorts()
    yield from shapes()
    yield from combinations()
    yield from composites()
    yield from joins()
    yield from patient_records()
    yield from refusals()


def reads() -> Iterator[Case]:
    """One resource of every type, its versions, and the ways in which there is none."""
    for resource_type, resources in by_type().items():
        identity = resources[len(resources) // 2]["id"]
        yield Case(f"{resource_type}/{identity}")
        yield search(f"{resource_type}?_id={identity}", {f"{resource_type}/{identity}"})
    patient = busiest("Observation")
    yield Case("metadata")
    yield Case(f"{patient}/_history/1")
    yield Case(f"{patient}/_history/99")
    yield Case(f"{patient}/_history")
    yield Case(f"{patient}?_elements=gender,birthDate")
    yield Case(f"{patient}?_summary=true")
    yield Case(f"{patient}?_format=json")
    yield Case(patient, headers=(("If-None-Match", 'W/"1"'),))
    yield Case(patient, headers=(("If-None-Match", 'W/"7"'),))
    yield Case(f"Patient/{ABSENT}")
    yield Case(f"Patient/{ABSENT}/_history/1")
    yield Case(f"Patient/{ABSENT}/_history")
    yield Case(f"Chart/{ABSENT}")
    yield Case("Chart")
    yield Case("Patient/a%20b")
    yield Case(f"Patient/{'x' * 65}")
    yield Case(f"Condition/{patient.partition('/')[2]}")


def pages() -> Iterator[Case]:
    """Page sizes, and the way through all pages."""
    patient = busiest("Encounter")
    for count in ("7", "20", "0", "1", "500", "-1", "some", ""):
        yield Case(f"Encounter?patient={patient}&_count={count}", label="first page")
    for url in (
        f"Encounter?patient={patient}&_count=13",
        f"Condition?subject={patient}&_count=50",
        f"Immunization?patient={patient}",
        "Patient?_count=10&_total=accurate",
        f"Encounter?patient={patient}&_count=40&_elements=status",
    ):
        yield Case(url, walk=True, label="all pages")
    expired = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    yield Case(f"?_getpages={expired}&_getpagesoffset=20&_count=20&_bundletype=searchset")
    yield Case("?_getpages=nonsense&_getpagesoffset=20&_count=20")


def sorts() -> Iterator[Case]:
    """Order; ties are broken by id, for only then is it one order."""
    patient = busiest("Condition", 1)
    for resource_type, key in (
        ("Condition", "onset-date,_id"),
        ("Condition", "-onset-date,_id"),
        ("Condition", "recorded-date,-_id"),
        ("Condition", "code,_id"),
        ("Encounter", "date,_id"),
        ("Encounter", "-date,_id"),
        ("Encounter", "status,-date,_id"),
        ("Encounter", "_id"),
        ("Immunization", "-date,_id"),
        ("Procedure", "-date,_id"),
        ("DiagnosticReport", "-date,_id"),
        ("MedicationRequest", "authoredon,_id"),
    ):
        yield Case(
            f"{resource_type}?subject={patient}&_sort={key}&_count={PAGE}".replace(
                "Immunization?subject", "Immunization?patient"
            ),
            ordered=True,
        )
    for key in (
        "birthdate,_id",
        "-birthdate,_id",
        "family,given,_id",
        "-family,_id",
        "gender,_id",
        "_id",
        "-_id",
    ):
        yield Case(f"Patient?_sort={key}&_count={PAGE}", ordered=True)
    yield Case(f"Patient?_sort=name,_id&_count={PAGE}", ordered=True)
    yield Case(f"Observation?patient={patient}&code={LOINC}8867-4&_sort=-date,_id&_count=10", ordered=True)
    yield Case(
        f"Observation?patient={patient}&_sort=value-quantity,_id&code={LOINC}8867-4&_count=50", ordered=True
    )
    yield Case("Patient?_sort=nonsense")
    yield Case("Patient?_sort=-nonsense,_id")


def shapes() -> Iterator[Case]:
    """Totals, summaries and elements."""
    patient = busiest("Observation")
    small = f"Encounter?patient={busiest('Encounter', 4)}"
    yield Case(f"Observation?patient={patient}&_summary=count")
    yield Case(f"Observation?patient={patient}&_count=0")
    yield Case(f"Observation?patient={patient}&_count=0&_total=accurate")
    yield Case(f"Observation?patient={patient}&_count=5&_total=accurate", label="first page")
    yield Case(f"Observation?patient={patient}&_count=5&_total=none", label="first page")
    yield Case(f"Observation?patient={patient}&_count=5", label="first page")
    yield Case(f"Observation?patient={patient}&_total=nonsense")
    yield Case(f"Observation?patient={patient}&_summary=nonsense")
    for shape in (
        "_summary=true",
        "_summary=false",
        "_summary=text",
        "_summary=data",
        "_elements=status,period",
    ):
        yield Case(f"{small}&{shape}&_count={PAGE}")
    yield Case("Patient?_summary=count")
    yield Case(f"Patient?family={ABSENT}")
    yield Case(f"Patient?_id={ABSENT}")
    yield Case("Patient?_lastUpdated=gt2000-01-01&_summary=count")
    yield Case("Patient?_lastUpdated=lt2000&_summary=count")
    yield Case("Patient?_lastUpdated=ge2000&_lastUpdated=lt2001-06&_summary=count")
    yield Case("", label="base alone")


def combinations() -> Iterator[Case]:
    """OR by commas, AND by repetition, modifiers, several parameters at once, and POST."""
    patient, other = busiest("Condition"), busiest("Condition", 2)
    codes = [code for _, code in _frequent("Observation", "code", 3)]
    yield search(f"Observation?patient={patient}&code={','.join(codes)}")
    yield search(f"Observation?patient={patient}&code={LOINC}{codes[0]},{LOINC}{codes[1]}")
    yield search(f"Observation?patient={patient}&code={codes[0]}&code={codes[1]}")
    yield search(f"Condition?patient={patient},{other}")
    yield search(f"Condition?patient={patient}&patient={other}")
    yield search(f"Encounter?patient={patient}&date=ge2015&date=lt2020")
    yield search(f"Encounter?patient={patient}&date=ge2015-06-15,lt2012")
    yield search(f"Encounter?patient={patient}&date=2018,2019-03")
    yield search(f"Condition?patient={patient}&clinical-status=active")
    yield search(f"Condition?patient={patient}&clinical-status:not=resolved")
    yield search(f"Condition?patient={patient}&clinical-status:not=resolved,active")
    yield search(f"Condition?patient={patient}&code:text=disorder")
    yield search(f"Condition?patient={patient}&abatement-date:missing=true")
    yield search(f"Condition?patient={patient}&abatement-date:missing=false")
    yield search("Patient?death-date:missing=false")
    yield search("Patient?deceased=true")
    yield search("Patient?deceased=false")
    yield search("Patient?gender=female&birthdate=lt1990&birthdate=ge1950")
    yield search("Patient?gender=FEMALE")
    yield search("Patient?name=an,el")
    yield search("Patient?name=Adan")
    yield search("Patient?name:exact=Ad%C3%A1n")
    yield search("Patient?family=de%20la")
    yield search("Patient?given=a%5C,b")
    yield search(f"Patient?_id={patient.partition('/')[2]},{other.partition('/')[2]}")
    yield search(f"Patient?_id={patient}")
    yield search(f"Encounter?subject={patient}&_id={ABSENT}")
    yield search(f"Encounter?subject=http://embedded.example/fhir/{patient}")
    yield search("Patient?identifier=%7C")
    yield search("Patient?gender=%7Cfemale")
    yield search("Patient?gender=http%3A%2F%2Fhl7.org%2Ffhir%2Fadministrative-gender%7Cfemale")
    yield search("Observation?status=http%3A%2F%2Fhl7.org%2Ffhir%2Fobservation-status%7Cfinal")
    yield search("Observation?code=http%3A%2F%2Fno.such.system%7C8867-4")
    yield Case("Patient/_search", "POST", "gender=female&_total=accurate&_count=50", FORM)
    yield Case("Patient/_search?gender=female", "POST", "birthdate=lt1990&_total=accurate&_count=50", FORM)
    yield Case("Observation/_search", "POST", f"patient={quote(patient)}&_summary=count", FORM)


def _frequent(resource_type: str, code: str, number: int) -> list[tuple[str, str]]:
    found = index(resource_type, parameters(resource_type)[code], tokens)
    return sorted(found, key=lambda pair: (-len(found[pair]), pair))[:number]


def composites() -> Iterator[Case]:
    """Pairs of a code and a value, of the resource or of its components."""
    for value in ("gt100", "le80", "72", "ge72" + UCUM + "/min"):
        yield search(f"Observation?code-value-quantity=8867-4${value}")
    for code, value in (("8480-6", "gt130"), ("8462-4", "lt70"), ("8480-6", "ge120"), ("8867-4", "gt1")):
        for name in ("component-code-value-quantity", "combo-code-value-quantity", "code-value-quantity"):
            yield search(f"Observation?{name}={LOINC}{code}${value}")
    concepts = index("Observation", parameters("Observation")["value-concept"], tokens)
    _, concept = drawn(concepts)
    code = next(
        coding["code"]
        for resource in by_type()["Observation"]
        if f"Observation/{resource['id']}" in set().union(*concepts.values())
        for coding in resource["code"]["coding"]
    )
    yield search(f"Observation?code-value-concept={code}${concept}")
    yield search("Observation?code-value-quantity=8867-4")
    yield search(f"Observation?patient={busiest('Observation')}&code-value-quantity=8867-4$gt90,8867-4$lt65")


def joins() -> Iterator[Case]:
    """Includes in both directions, chains and `_has`."""
    patient = busiest("DiagnosticReport", 3)
    encounter = drawn(
        index("Observation", parameters("Observation")["encounter"], lambda e: [e["reference"]]), 8
    )
    identity = encounter.partition("/")[2]
    few = f"Observation?encounter={encounter}&_count={PAGE}"
    for include in (
        "patient",
        "subject",
        "subject:Patient",
        "encounter",
        "encounter:Encounter",
        "performer",
        "nonsense",
        "code",
    ):
        yield Case(f"{few}&_include=Observation:{include}")
    yield Case(f"{few}&_include=Observation:subject&_include=Observation:encounter")
    yield Case(f"{few}&_include=Observation:encounter&_include:iterate=Encounter:participant")
    yield Case(f"{few}&_include=*")
    yield Case(f"{few}&_include=Nonsense:subject")
    yield Case(f"{few}&_include=nonsense")
    yield Case(f"Encounter?_id={identity}&_revinclude=Observation:encounter&_count={PAGE}")
    yield Case(f"Encounter?_id={identity}&_revinclude=Condition:encounter&_revinclude=Procedure:encounter")
    yield Case(
        f"Encounter?_id={identity}&_include=Encounter:patient&_revinclude:iterate=Coverage:beneficiary"
    )
    yield Case(f"Encounter?_id={identity}&_revinclude=Nonsense:encounter")
    yield Case(f"Encounter?_id={identity}&_revinclude=Observation:nonsense")
    yield Case(f"DiagnosticReport?patient={patient}&_include=DiagnosticReport:result&_count=5", walk=True)
    yield Case("MedicationRequest?_include=MedicationRequest:medication&medication:missing=false")
    person = next(p for p in by_type()["Patient"] if f"Patient/{p['id']}" == patient)
    family, birth = quote(person["name"][0]["family"]), person["birthDate"]
    for chain in (
        f"subject:Patient.family={family}",
        f"patient.family={family}",
        f"patient.birthdate={birth}",
        f"subject.birthdate={birth}",
        f"patient.birthdate=lt{birth}",
        f"patient:Patient.gender=male&patient.birthdate={birth}",
        f"patient.family:exact={family}",
        f"patient.family={family},Nobody",
        "patient.nonsense=1",
        "subject:Nonsense.family=a",
        "encounter.class=AMB",
        "encounter.patient.birthdate=" + birth,
        f"encounter:Encounter.subject:Patient.family={family}",
        f"patient.identifier={person['identifier'][0]['value']}",
        f"patient._id={person['id']}",
        "code.family=a",
    ):
        yield search(f"DiagnosticReport?{chain}")
    for has in (
        "Observation:patient:code=8867-4",
        "Condition:subject:clinical-status=active",
        "Encounter:patient:class=IMP",
        "Encounter:patient:date=ge2026",
        "AllergyIntolerance:patient:_id=" + by_type()["AllergyIntolerance"][0]["id"],
        "Observation:nonsense:code=1",
        "Nonsense:patient:code=1",
        "Observation:patient:nonsense=1",
        "Observation:patient=1",
    ):
        yield search(f"Patient?_has:{has}")
    yield search("Patient?gender=female&_has:Encounter:patient:class=IMP")
    yield search("Patient?_has:Encounter:patient:class=IMP&_has:Condition:subject:clinical-status=active")
    yield search("Encounter?_has:Observation:encounter:code=8867-4&class=AMB")


def patient_records() -> Iterator[Case]:
    """Everything about a patient, and the patient compartment."""
    patient = busiest("Immunization", 10)
    yield Case(f"{patient}/$everything?_count=100", walk=True, audited=True)
    yield Case(f"{patient}/$everything?_type=Encounter,Condition&_count=200", walk=True, audited=True)
    yield Case(f"Patient/{ABSENT}/$everything")
    yield Case(f"{patient}/$nonsense")
    yield search(f"{patient}/Condition?_sort=_id")
    yield search(f"{patient}/Observation?code=8867-4")
    yield search(f"Patient/{ABSENT}/Condition?_sort=_id")
    yield Case(f"{patient}/Nonsense")


def refusals() -> Iterator[Case]:
    """Searches that cannot be understood, and requests that are no FHIR."""
    for query in (
        "nonsense=1",
        "nonsense=1&gender=female",
        "_nonsense=1",
        "name:nonsense=a",
        "gender:nonsense=a",
        "birthdate:nonsense=2019",
        "general-practitioner:Nonsense=1",
        "birthdate=nonsense",
        "birthdate=2019-13",
        "birthdate=2019-02-30",
        "birthdate=zz2019",
        "birthdate=20190101",
        "birthdate=ge",
        "birthdate=",
        "gender=",
        "_id=",
        "gender=a%7Cb%7Cc",
        "name:missing=perhaps",
        "_content=a",
        "_text=a",
        "_filter=gender%20eq%20female",
        "_list=1",
        "_total=accurate",
    ):
        yield Case(f"Patient?{query}&_count={PAGE}")
    for query in ("nonsense=1", "nonsense=1&gender=female", "birthdate=nonsense"):
        yield Case(f"Patient?{query}&_count={PAGE}", headers=LENIENT)
    for query in (
        "value-quantity=nonsense",
        "value-quantity=gt",
        "value-quantity=5.4%7Ca",
        "date=2019-01-01T25:00",
        "date=2019-01-01T10:00:00Z",
        "date=2019-01-01T10:00",
        "date=2019-01-01T10:00:00%2B01:00",
        "date=ge2019-01-01T10:00:00.000-05:00",
        "code:in=http%3A%2F%2Fno.such%2Fvalueset",
    ):
        yield search(f"Observation?patient={busiest('Observation')}&{query}")
    yield Case("Patient", "DELETE")
    yield Case("nonsense/nonsense/nonsense/nonsense")
    yield Case("$nonsense")
    yield Case("Patient/$nonsense")
    yield Case("Patient", headers=(("Accept", "text/turtle-nonsense"),))
    yield Case("Patient?_format=nonsense")
