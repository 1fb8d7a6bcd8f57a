"""Builds the HAPI server with Maven, once for each state of its sources."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import platformdirs

JAVA_MINIMUM = 17


class HapiUnavailable(Exception):
    """The server cannot be built or started; the message says what to do."""


def cache_folder() -> Path:
    """Where builds and the server log lie; `EHR_NAVIGATOR_DATA_DIR` overrides the cache folder."""
    chosen = os.environ.get("EHR_NAVIGATOR_DATA_DIR")
    folder = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("ehr-navigator"))
    return folder / "hapi"


def find_java() -> str:
    """The path of a Java 17 or newer, from JAVA_HOME or else the PATH. Raises HapiUnavailable."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if java is None:
        raise HapiUnavailable(
            f"no java found; install a JDK {JAVA_MINIMUM} or newer, or set JAVA_HOME to one"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_MINIMUM:
        found = said.partition("\n")[0] or "one that does not tell its version"
        raise HapiUnavailable(
            f"HAPI needs Java {JAVA_MINIMUM} or newer, found {found}; set JAVA_HOME to a newer JDK"
        )
    return java


def build() -> Path:
    """The jar of the server, its libraries in `lib/` beside it; built only if its sources have changed.

    The first build fetches about 350 MB and takes some minutes; later ones need no network.
    Raises HapiUnavailable when Maven is missing or fails.
    """
    with as_file(files("fhir_fixtures.hapi") / "server") as sources:
        digest = _digest(sources)
        built = cache_folder() / f"build-{digest}"
        if not built.is_dir():
            cache_folder().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="building-") as scratch:
                work = shutil.copytree(sources, Path(scratch) / "server")
                _run_maven(work)
                # The folder gets its name only when it is complete: a broken build is never taken for one.
                (work / "target").rename(built)
    return built / "hapi-fixture.jar"


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in {".java", ".xml"})


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _sources(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _run_maven(project: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise HapiUnavailable("no mvn found; install Apache Maven 3.8 or newer")
    command = [maven, "--batch-mode", "--quiet", "-DskipTests", "package"]
    outcome = subprocess.run(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if outcome.returncode != 0:
        end = "\n".join(outcome.stdout.splitlines()[-15:])
        raise HapiUnavailable(
            f"the Maven build of the HAPI server failed (exit {outcome.returncode}):\n{end}"
        )
