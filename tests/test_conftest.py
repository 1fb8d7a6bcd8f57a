"""What `make test` skips is what `make test-all` runs: no test falls between the two."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import NOT_PLAIN, TEST_ALL

ROOT = Path(__file__).parent.parent
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
TESTS = """
import pytest

def test_plain():
    pass

@pytest.mark.large
def test_large():
    pass

@pytest.mark.hapi
def test_of_hapi(hapi_base):
    pass
"""
HANGING = """
import anyio
import pytest

@pytest.mark.anyio
async def test_that_waits_for_what_never_comes():
    await anyio.Event().wait()
"""
FALLING_BETWEEN = """
def test_that_needs_hapi_and_does_not_say_so(hapi_base):
    pass
"""


def ran(folder: Path, tests: str, *arguments: str, **environment: str) -> str:
    """The last line that pytest says about `tests`, run under this suite's conftest."""
    (folder / "test_one.py").write_text(tests)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EHR_NAVIGATOR_TEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-pno:cacheprovider", "-ptests.conftest"]
    done = subprocess.run(
        [*command, f"-c{ROOT / 'pyproject.toml'}", str(folder), *arguments],
        cwd=ROOT, env={**bare, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()[-1].partition(" in ")[0]


def test_a_quick_run_skips_what_is_not_plain_and_the_run_after_it_nothing_else(tmp_path: Path) -> None:
    assert ran(tmp_path, TESTS) == "1 passed, 2 skipped"
    served = {TEST_ALL: "1", "EHR_NAVIGATOR_TEST_FHIR": "http://127.0.0.1:9/fhir"}
    assert ran(tmp_path, TESTS, "-m", "not plain", **served) == "2 passed, 1 deselected"


def test_a_skipped_test_that_no_later_run_would_take_up_fails(tmp_path: Path) -> None:
    assert ran(tmp_path, FALLING_BETWEEN) == "1 error"


def test_where_everything_was_promised_nothing_is_skipped(tmp_path: Path) -> None:
    assert ran(tmp_path, TESTS, **{TEST_ALL: "1"}) == "2 passed, 1 error"


def test_a_test_that_hangs_fails(tmp_path: Path) -> None:
    assert OPTIONS["timeout"] > 0
    assert ran(tmp_path, HANGING, "--timeout=1") == "1 failed"


def test_every_marker_is_plain_or_is_not() -> None:
    assert {line.partition(":")[0] for line in OPTIONS["markers"]} == {"plain", *NOT_PLAIN}
