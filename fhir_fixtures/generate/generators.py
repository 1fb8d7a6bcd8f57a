"""What both chart generators share: the date they end at, how they run, how their patients are called."""

import subprocess
import sys
import unicodedata
from pathlib import Path

from fhir_fixtures.generate.references import Resource

# Both default to the day on which they run; a pinned day makes a second run write the same.
AS_OF = "2026-11-01"


def run(command: str) -> None:
    """Run a generator's command from this interpreter's own scripts, with time zone and hash seed pinned.

    Exits with what to install when the generator is not there; raises CalledProcessError when it fails.
    """
    program, *arguments = command.split(" ")
    scripts = Path(sys.executable).parent
    if not (scripts / program).exists():
        raise SystemExit(f"{program} is not installed: pip install 'ehr-navigator[generate]'")
    subprocess.run(
        [str(scripts / program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={"PATH": str(scripts), "TZ": "UTC", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
    )


def typeable_id(patient: Resource) -> str:
    """A patient id that a person can type: the name in small letters, without accents and apostrophes."""
    name = patient["name"][0]
    plain = unicodedata.normalize("NFKD", " ".join([*name["given"], name["family"]]))
    return "-".join("".join(c for c in plain if c.isascii() and c != "'").lower().split())
