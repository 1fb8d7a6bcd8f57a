"""Where the `local` extra is not installed, its tests are not collected: they import it."""

import importlib.util
import os
from pathlib import Path

from tests.conftest import TEST_ALL

if importlib.util.find_spec("torch") is None and not os.environ.get(TEST_ALL):
    here = Path(__file__).parent
    collect_ignore = [file.name for file in here.glob("test_*.py") if "pytest.mark.local" in file.read_text()]
