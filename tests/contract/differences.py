"""Where the embedded store answers otherwise than HAPI on purpose, and why."""

from dataclasses import dataclass

from tests.contract.exchange import Answer


@dataclass(frozen=True)
class Difference:
    """What the embedded store answers where HAPI does not.

    Without a `status` these are the only fields that differ; with one, the others do not matter: a refusal
    and an answer have little in common.
    """

    reason: str
    embedded: Answer


PARTIAL = (
    "FHIR counts ge2026 from the first moment of 2026 and le2026 to its last; HAPI 8.8.0 leaves the year (or "
    "month) itself out, so that clients should send whole days"
)
STRICT = "HAPI answers as if the mistake were not there; the store tells the client of it"
UNVALIDATED = "the store does not check resources against their definitions; HAPI's parser does"

_REFUSED: Answer = {"status": 400, "issues": ["processing"]}
_NO_SUCH_FORMAT: Answer = {"status": 406, "issues": ["not-supported"]}
_STORED: Answer = {"status": 201, "issues": None}
_SHOWN = "&_total=accurate&_count=50"

DIFFERENCES: dict[str, Difference] = {
    f"GET Encounter?date=ge2026{_SHOWN}": Difference(PARTIAL, {"matches": 50, "next": True, "total": 234}),
    f"GET MedicationAdministration?effective-time=ge2026{_SHOWN}": Difference(
        PARTIAL, {"matches": 50, "next": True, "total": 869}
    ),
    f"GET Procedure?date=le1974{_SHOWN}": Difference(PARTIAL, {"total": 137}),
    f"GET Encounter?patient=Patient/renae-homenick&date=ge2015&date=lt2020{_SHOWN}": Difference(
        PARTIAL, {"matches": "14:d4e9f35ee27e", "total": 14}
    ),
    f"GET Patient?_has:Encounter:patient:date=ge2026{_SHOWN}": Difference(
        PARTIAL, {"matches": "36:8259dd30bf5a", "total": 36}
    ),
    f"GET DiagnosticReport?patient._id=clint-waters{_SHOWN}": Difference(
        "HAPI finds nothing by a chained _id unless the chain names its type (patient:Patient._id)",
        {"matches": 50, "next": True, "total": 62},
    ),
    "GET Patient/renae-homenick?_summary=true": Difference(
        "HAPI leaves extensions out of the elements that a summary keeps; the store keeps these whole",
        {"content": "34912521137d"},
    ),
    "GET Observation?patient=Patient/renae-homenick"
    f"&code:in=http%3A%2F%2Fno.such%2Fvalueset{_SHOWN}": Difference(
        "HAPI looks for the value set; the store knows none, and refuses the modifier", {"status": 400}
    ),
    "GET Encounter?patient=Patient/renae-homenick&_count=-1 (first page)": Difference(STRICT, _REFUSED),
    "GET Observation?patient=Patient/renae-homenick&_summary=nonsense": Difference(STRICT, _REFUSED),
    f"GET Observation?code-value-quantity=8867-4{_SHOWN}": Difference(STRICT, _REFUSED),
    "GET Observation?encounter=Encounter/8959cc4c-1702-4191-94c5-7d10e399547a&_count=50"
    "&_include=Observation:code": Difference(STRICT, _REFUSED),
    "GET Patient?_nonsense=1&_count=50": Difference(STRICT, _REFUSED),
    "GET Patient?_list=1&_count=50": Difference(STRICT, _REFUSED),
    "GET Patient?birthdate:nonsense=2019&_count=50": Difference(STRICT, _REFUSED),
    "GET Patient?name:missing=perhaps&_count=50": Difference(STRICT, _REFUSED),
    f"GET Patient?identifier=%7C{_SHOWN}": Difference(STRICT, {"matches": [], "total": 0}),
    "GET Patient (Accept: text/turtle-nonsense)": Difference(STRICT, _NO_SUCH_FORMAT),
    "GET Patient?_format=nonsense": Difference(STRICT, _NO_SUCH_FORMAT),
    "bundles that cannot be: 3. POST (no type)": Difference(STRICT, _REFUSED),
    "versions are checked: 4. PUT Patient/{run}-a (If-Match: nonsense) (no version)": Difference(
        "HAPI fails (500) on an If-Match that is no version; the store refuses it", _REFUSED
    ),
    "bodies that cannot be: 7. POST Patient (no date)": Difference(UNVALIDATED, _STORED),
    "bodies that cannot be: 8. POST Patient (a list for one)": Difference(
        UNVALIDATED, {"content": "7948d9fa8944"}
    ),
    "bodies that cannot be: 9. POST Patient (no such code)": Difference(UNVALIDATED, _STORED),
}


def complaint(name: str, answer: Answer, recorded: Answer) -> Answer:
    """What is wrong with the store's answer: fields that are neither as recorded nor as listed.

    Empty when nothing is. A listed difference that no longer occurs is wrong too.
    """
    differing = sorted(key for key in {*answer, *recorded} if answer.get(key) != recorded.get(key))
    found = {key: answer.get(key) for key in differing}
    if name not in DIFFERENCES:
        return found
    listed = DIFFERENCES[name].embedded
    if "status" in listed:
        found = {key: answer.get(key) for key in listed}
    return {} if found == listed else {"listed": listed, "found": found}
