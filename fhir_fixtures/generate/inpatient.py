"""The `inpatient` set: one year of a hospital's patients who were admitted, from clinosim."""

import json
from pathlib import Path

from fhir_fixtures.generate.generators import AS_OF, run, typeable_id
from fhir_fixtures.generate.references import Resource, name_of, patient_of, rewritten, with_targets

SEED = 11
COMMAND = (
    f"clinosim simulate --country US --population 400 --seed {SEED} --start 2025-11-01 --end {AS_OF} "
    "--format fhir-r4 --output DIR"
)
GENERATOR = {"name": "clinosim", "version": "0.6.5", "licence": "MIT", "seed": SEED, "command": COMMAND}

# One Specimen for every result and one Endpoint for every image: as many again, with nothing to ask about.
LEFT_OUT = {"Endpoint", "Specimen"}


def generate(folder: Path) -> list[Resource]:
    """Run the generator in `folder` and return all that concerns patients with an inpatient stay."""
    run(COMMAND.replace("DIR", str(folder)))
    found: list[Resource] = []
    for path in sorted(folder.glob("fhir_r4/*.ndjson")):
        with path.open(encoding="utf-8") as lines:
            found += [_valid(json.loads(line)) for line in lines if path.stem not in LEFT_OUT]
    admitted = {
        patient_of(resource)
        for resource in found
        if resource["resourceType"] == "Encounter" and resource["class"]["code"] == "IMP"
    }
    kept = with_targets((r for r in found if patient_of(r) in admitted), found)
    names: dict[str, str] = {}
    for patient in [r for r in kept if r["resourceType"] == "Patient"]:
        generated = name_of(patient)
        patient["id"] = typeable_id(patient)
        names[generated] = name_of(patient)
    if set(names) != admitted:
        raise ValueError("a kept record leads to a patient who was not admitted")
    return [rewritten(resource, lambda target: names.get(target, target)) for resource in kept]


def _valid(resource: Resource) -> Resource:
    """Mend what the generator writes that R4 does not allow, and drop references to what is left out."""
    match resource["resourceType"]:
        case "MedicationAdministration" if "dosage" in resource:
            # An administration has one dose and one rate; `doseAndRate` and `timing` belong to orders.
            dosage = resource["dosage"]
            dosage.pop("timing", None)
            for given in dosage.pop("doseAndRate", []):
                dosage.update(given)
        case "Coverage" if not resource.get("extension"):
            resource.pop("extension", None)  # an empty list
        case "DiagnosticReport":
            resource.pop("specimen", None)
            resource.pop(
                "media", None
            )  # refers to an ImagingStudy where R4 wants Media; `imagingStudy` has it
            if not resource["code"]["text"]:
                resource["code"] = {"text": resource["presentedForm"][0]["title"]}
        case "ImagingStudy":
            resource.pop("endpoint", None)
        case "Observation":
            resource.pop("specimen", None)
        case "Composition":
            for section in resource["section"]:
                # The contents of the whole stay, repeated in every note: three quarters of their bytes.
                section.pop("entry", None)
    return resource
