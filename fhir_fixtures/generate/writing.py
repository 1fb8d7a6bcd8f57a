"""Chart sets on disk: NDJSON in load order, compressed, and the manifest that describes them."""

import hashlib
import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

from fhir_fixtures.generate.order import in_load_order
from fhir_fixtures.generate.references import Resource, name_of, patient_of, references_in, within


def ndjson(resources: list[Resource]) -> bytes:
    """The resources in load order, one a line with sorted keys: the same bytes from the same content."""
    lines = [
        json.dumps(resource, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        for resource in in_load_order(resources)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def write_set(
    folder: Path, name: str, resources: list[Resource], generator: dict[str, Any], left_out: set[str]
) -> dict[str, Any]:
    """Write `NAME.ndjson.xz` and return the set's manifest entry, its patients included.

    Raises ValueError when an id stands twice, or a relative reference does not resolve inside the set: a
    server that checks references would refuse it.
    """
    names = Counter(map(name_of, resources))
    twice = [each for each, count in names.items() if count > 1]
    dangling = sorted(
        {ref for resource in resources for ref in references_in(resource) if within(ref) and ref not in names}
    )
    if twice or dangling:
        raise ValueError(f"{name}: ids that stand twice {twice}, references to nothing {dangling}")
    content = ndjson(resources)
    file = f"{name}.ndjson.xz"
    (folder / file).write_bytes(lzma.compress(content, preset=9))
    return {
        "name": name,
        "file": file,
        "sha256_of_ndjson": hashlib.sha256(content).hexdigest(),
        "resources": len(resources),
        "types": dict(sorted(Counter(resource["resourceType"] for resource in resources).items())),
        "generator": generator,
        "left_out": sorted(left_out),
        "patients": _patients(name, resources),
    }


def write_manifest(folder: Path, as_of: str, sets: list[dict[str, Any]]) -> None:
    """Write `manifest.json` from the sets' entries, with all patients in one list."""
    patients = [patient for entry in sets for patient in entry["patients"]]
    without = [{key: value for key, value in entry.items() if key != "patients"} for entry in sets]
    content = {"as_of": as_of, "sets": without, "patients": patients}
    (folder / "manifest.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _patients(name: str, resources: list[Resource]) -> list[dict[str, Any]]:
    about = Counter(map(patient_of, resources))
    return [
        {
            "id": patient["id"],
            "name": _spoken(patient["name"][0]),
            "birth_date": patient.get("birthDate", ""),
            "sex": patient["gender"],
            "set": name,
            "resources": about[name_of(patient)],
        }
        for patient in sorted((r for r in resources if r["resourceType"] == "Patient"), key=name_of)
    ]


def _spoken(name: dict[str, Any]) -> str:
    return str(name.get("text")) if "text" in name else " ".join([*name["given"], name["family"]])
