"""Remake the sample charts: all sets, or those named (`life-long`, `inpatient`, `handmade`)."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from fhir_fixtures import charts
from fhir_fixtures.generate import handmade, inpatient, life_long
from fhir_fixtures.generate.generators import AS_OF
from fhir_fixtures.generate.writing import write_manifest, write_set

SETS = ("life-long", "inpatient", "handmade")


def main() -> None:
    """Write the sets and the manifest beside `fhir_fixtures.charts`; sets not named keep their files."""
    parser = argparse.ArgumentParser(prog="python -m fhir_fixtures.generate", description=__doc__)
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help=f"sets to remake, of {', '.join(SETS)}; all by default"
    )
    named = parser.parse_args().sets or SETS
    if unknown := set(named) - set(SETS):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    entries = [_made(name) if name in named else _kept(name) for name in SETS]
    write_manifest(charts.HERE, AS_OF, entries)
    for entry in entries:
        size = (charts.HERE / entry["file"]).stat().st_size
        print(f"{entry['name']}: {len(entry['patients'])} patients, {entry['resources']} resources, {size} B")


def _made(name: str) -> dict[str, Any]:
    if name == "handmade":
        return write_set(charts.HERE, name, handmade.resources(), handmade.GENERATOR, set())
    maker = life_long if name == "life-long" else inpatient
    with tempfile.TemporaryDirectory() as folder:
        resources = maker.generate(Path(folder))
    return write_set(charts.HERE, name, resources, maker.GENERATOR, maker.LEFT_OUT)


def _kept(name: str) -> dict[str, Any]:
    manifest = json.loads((charts.HERE / "manifest.json").read_text("utf-8"))
    entry = next(entry for entry in manifest["sets"] if entry["name"] == name)
    return {**entry, "patients": [patient for patient in manifest["patients"] if patient["set"] == name]}


if __name__ == "__main__":
    main()
