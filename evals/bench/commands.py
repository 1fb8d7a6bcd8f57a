"""How long a person waits for a command: medians over fresh processes, as ratios within one run."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from fhir_fixtures.charts import patients

ROUNDS = 7
CLI = ("-m", "agent.cli")


def seconds(command: Sequence[str], folder: str) -> float:
    """One fresh Python process from start to end. Raises CalledProcessError when it fails."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        check=True,
        capture_output=True,
        env={"EHR_NAVIGATOR_DATA_DIR": folder, "PATH": ""},
    )
    return time.perf_counter() - started


def bench() -> str:
    """A line a command: median seconds, and its ratio to importing the MCP SDK alone."""
    patient = str(patients()[0].id)
    commands = {
        "python": ("-c", "pass"),
        "import mcp": ("-c", "import mcp"),
        "ehr-navigator --help": (*CLI, "--help"),
        "ehr-navigator config": (*CLI, "config"),
        "ehr-navigator audit list": (*CLI, "audit", "list"),
        "ehr-navigator audit verify": (*CLI, "audit", "verify"),
        "ehr-navigator ask": (*CLI, "ask", "What was the last weight?", "--patient", patient),
    }
    with tempfile.TemporaryDirectory() as folder:
        cold = seconds(commands["ehr-navigator ask"], folder)
        # Rounds go through all commands in turn, so that a noisy moment hits every one alike.
        taken = [
            {name: seconds(command, folder) for name, command in commands.items()} for _ in range(ROUNDS)
        ]
    median = {name: statistics.median(one[name] for one in taken) for name in commands}
    lines = [f"{'':<32}{'seconds':>8}{'of import mcp':>16}"]
    lines += [
        f"{name:<32}{median[name]:>8.2f}{median[name] / median['import mcp']:>15.2f}x" for name in commands
    ]
    lines += [f"{'ask, first of all':<32}{cold:>8.2f}{cold / median['import mcp']:>15.2f}x"]
    return "\n".join(lines)
