"""The sample charts: synthetic patients, committed as compressed NDJSON, read here.

Three sets lie beside this module (`manifest.json` says how each was made): `life-long` (Synthea), `inpatient`
(clinosim) and `handmade` (the hard cases; `README.md` lists them). All live in one FHIR server together.
`python -m fhir_fixtures.generate` remakes them.
"""

import hashlib
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class ChartPatient(NamedTuple):
    """One sample patient, as the manifest lists it.

    `birth_date` is a FHIR date (it may be partial, and is empty when not recorded), `sex` is Patient.gender,
    `set` the name of the chart set, `resources` the number of resources about the patient, itself included.
    """

    id: str
    name: str
    birth_date: str
    sex: str
    set: str
    resources: int


def manifest() -> dict[str, Any]:
    """What the sets are, how they were made, as of which date, and whose charts they hold."""
    loaded: dict[str, Any] = json.loads((HERE / "manifest.json").read_text("utf-8"))
    return loaded


def as_of() -> str:
    """The date (ISO 8601) that the generated charts end at: their "today"."""
    return str(manifest()["as_of"])


def patients() -> list[ChartPatient]:
    """The sample patients, in the manifest's order. Reads no chart."""
    return [ChartPatient(**entry) for entry in manifest()["patients"]]


def digest() -> str:
    """A SHA-256 over the chart files: it changes when any chart does, and keys what is built from them."""
    sha256 = hashlib.sha256()
    for path in _files():
        sha256.update(path.read_bytes())
    return sha256.hexdigest()


def resources() -> Iterator[dict[str, Any]]:
    """Every resource of every set, in load order: what a resource refers to comes before it.

    Where resources refer to each other (an Encounter and its diagnosis), they stand side by side; a server
    that checks references needs those in one transaction (`fhir_fixtures.loader` sees to it).
    """
    for path in _files():
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def _files() -> list[Path]:
    return [HERE / entry["file"] for entry in manifest()["sets"]]
