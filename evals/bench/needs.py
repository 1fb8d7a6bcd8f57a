"""Twenty everyday needs: what a clinician asks, the one call that answers it, and the plain FHIR for it.

What an answer must say was read from the charts' own resources. The plain FHIR is the search that a person
who knows the codes would write.
"""

from dataclasses import dataclass
from typing import Any

import httpx

from evals.bench.calling import Called, Tools
from mcp_servers.fhir.rendering import BUDGET

RENAE, LEE, JACQUELINE, GERALD = "renae-homenick", "lee-watson", "jacqueline-berry", "gerald-williams"
LOINC = "http://loinc.org|"


@dataclass(frozen=True)
class Need:
    """What is asked, how it is answered, and how large the answer may be.

    `patient` is None where the question is who is meant. `says` are texts that the right answer holds. `raw`
    are plain FHIR searches that hold it too: all pages of those that ask for 200 a page, one page of others.
    `computed`: more than reading rows, so the tool must compute it.
    """

    words: str
    patient: str | None
    tool: str
    arguments: dict[str, Any]
    says: tuple[str, ...]
    raw: tuple[str, ...]
    limit: int = BUDGET
    computed: bool = False


@dataclass(frozen=True)
class Met:
    """A need, what was called, and the bytes of the plain FHIR."""

    need: Need
    called: Called
    raw: int

    @property
    def right(self) -> bool:
        """Whether the answer says what it must."""
        return self.called.data is not None and all(text in self.called.text for text in self.need.says)

    @property
    def ratio(self) -> float:
        """The bytes that a model reads, over those of the plain FHIR."""
        return self.called.bytes / self.raw


async def met(http: httpx.AsyncClient, tools: Tools) -> list[Met]:
    """Every need met in one call; the second call of each is measured, as in a session that goes on."""
    found = []
    for need in NEEDS:
        given = {**need.arguments, **({"patient": need.patient} if need.patient else {})}
        await tools.call(need.tool, given)
        called = await tools.call(need.tool, given)
        found.append(Met(need, called, sum([await _all_bytes(http, url) for url in need.raw])))
    return found


async def _all_bytes(http: httpx.AsyncClient, url: str) -> int:
    """The bytes of a search: of its first page, or of all where it asks for large ones."""
    total = 0
    whole = "_count=200" in url
    following: str | None = url
    while following is not None:
        response = await http.get(following)
        response.raise_for_status()
        total += len(response.content)
        links = response.json().get("link", []) if whole else []
        following = next((link["url"] for link in links if link["relation"] == "next"), None)
    return total


NEEDS = (
    Need(
        "What was the last HbA1c?", RENAE, "observations", {"name": "hba1c"},
        ("6.0 %", "2026-03-19", "Observation/38f738ce-89a4-4e62-9b82-425f9baf70db"),
        (f"Observation?patient={RENAE}&code={LOINC}4548-4&_sort=-date&_count=1",), 100,
    ),
    Need(
        "Her last blood pressure?", RENAE, "observations", {"name": "blood pressure"},
        ("161/109.8", "mm[Hg]", "2026-03-19"),
        (f"Observation?patient={RENAE}&code={LOINC}85354-9&_sort=-date&_count=1",), 100,
    ),
    Need(
        "The last ten HbA1c values?", RENAE, "observations", {"name": "hba1c", "mode": "series", "limit": 10},
        ("2018-03-22", "10 of 19"),
        (f"Observation?patient={RENAE}&code={LOINC}4548-4&_sort=-date&_count=10",), 350,
    ),
    Need(
        "What are his problems?", GERALD, "list_records", {"kind": "problems"},
        ("Atrial fibrillation", "10 of 10"),
        (f"Condition?patient={GERALD}&clinical-status=active&_count=200",), 450,
    ),
    Need(
        "Any allergies?", RENAE, "list_records", {"kind": "allergies"},
        ("Aspirin",), (f"AllergyIntolerance?patient={RENAE}&_count=200",), 100,
    ),
    Need(
        "Which medications is he on?", GERALD, "list_records", {"kind": "medications"},
        ("Apixaban", "Lisinopril"), (f"MedicationRequest?patient={GERALD}&status=active&_count=200",),
    ),
    Need(
        "Does she take sumatriptan?", RENAE, "list_records",
        {"kind": "medications", "text": "sumatriptan", "limit": 1},
        ("sumatriptan 50 MG", "2026-03-19"),
        (f"MedicationRequest?patient={RENAE}&status=active&_count=200",), 100,
    ),
    Need(
        "When was her last flu shot?", RENAE, "list_records",
        {"kind": "immunizations", "text": "influenza", "limit": 1},
        ("2026-03-19",), (f"Immunization?patient={RENAE}&_count=200",), 100,
    ),
    Need(
        "Her last visit?", RENAE, "list_records", {"kind": "encounters", "limit": 1},
        ("2026-07-11", "Ophthalmic"), (f"Encounter?patient={RENAE}&_sort=-date&_count=1",), 150,
    ),
    Need(
        "Who is John Smith, born 1950?", None, "find_patient", {"text": "John Smith 1950-07-02"},
        ("Patient/hard-john-smith-1950",), ("Patient?name=Smith&birthdate=1950-07-02",), 100,
    ),
    Need(
        "What should I know of her chart?", RENAE, "chart_overview", {},
        ("Patient/renae-homenick", "Aspirin"), (f"Patient/{RENAE}/$everything?_count=200",),
    ),
    Need(
        "Do the notes say why heparin was not given?", LEE, "search_notes", {"text": "heparin", "limit": 3},
        ("Heparin avoided due to concurrent Aspirin",), (f"DocumentReference?patient={LEE}&_count=200",),
    ),
    Need(
        "Is she on an ACE inhibitor?", RENAE, "lookup_code", {"text": "ACE inhibitor"},
        ("lisinopril",), (f"MedicationRequest?patient={RENAE}&status=active&_count=200",),
    ),
    Need(
        "Lowest, highest and mean HbA1c since 2015?", RENAE, "observations",
        {"name": "hba1c", "mode": "statistics", "since": "2015"},
        ("6.0", "7.0", "6.2857"),
        (f"Observation?patient={RENAE}&code={LOINC}4548-4&date=ge2015-01-01&_count=200",), computed=True,
    ),
    Need(
        "How often was her glucose above 200 in September?", JACQUELINE, "observations",
        {"name": "glucose", "mode": "count", "above": 200, "since": "2026-09", "until": "2026-09"},
        ("14",),
        (f"Observation?patient={JACQUELINE}&code={LOINC}2345-7&date=ge2026-09-01&date=lt2026-10-01&_count=200",),
        computed=True,
    ),
    Need(
        "What was his creatinine when he was admitted on 20 January?", LEE, "observations",
        {"name": "creatinine", "near": "2026-01-20"},
        ("1.17",), (f"Observation?patient={LEE}&code={LOINC}2160-0&_count=200",), computed=True,
    ),
    Need(
        "Which problems did he have at the start of 2017?", GERALD, "list_records",
        {"kind": "problems", "at": "2017-01-01"},
        ("ischemic heart disease", "Overweight", "Osteoporosis", "Malignant neoplasm", "4 of 4"),
        (f"Condition?patient={GERALD}&_count=200",), computed=True,
    ),
    Need(
        "How many hours was his stay in January?", LEE, "query_chart",
        {"sql": "SELECT ref, date_diff('minute', instant, end_instant) / 60 AS hours FROM encounter"
                " WHERE class = 'IMP'"},
        ("117.0", "Encounter/enc-819171e8c934"), (f"Encounter?patient={LEE}&_count=200",), computed=True,
    ),
    Need(
        "The highest creatinine of that stay?", LEE, "query_chart",
        {"sql": "SELECT o.ref, o.value, o.unit, o.date FROM observation o JOIN encounter e"
                " ON o.instant BETWEEN e.instant AND e.end_instant"
                " WHERE e.class = 'IMP' AND o.code = '2160-0' ORDER BY o.value DESC LIMIT 1"},
        ("1.71 mg/dL", "2026-01-24"),
        (f"Observation?patient={LEE}&code={LOINC}2160-0&_count=200", f"Encounter?patient={LEE}&_count=200"),
        computed=True,
    ),
    Need(
        "How many doses of each drug was he given in that stay?", LEE, "query_chart",
        {"sql": "SELECT a.code_text, count(*) AS doses FROM medication_administration a JOIN encounter e"
                " ON a.encounter_id = e.ref WHERE e.class = 'IMP' AND a.status = 'completed'"
                " GROUP BY 1 ORDER BY 2 DESC"},
        ("Acetaminophen | 13", "Ticagrelor | 10"),
        (f"MedicationAdministration?patient={LEE}&_count=200", f"Encounter?patient={LEE}&_count=200"),
        computed=True,
    ),
)  # fmt: skip
