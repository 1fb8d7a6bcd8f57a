"""Holds the MCP servers against the conformance suite, both revisions, and against clients that are not ours.

`python -m tests.conformance NODE_MODULES` (`make conformance` installs what lies there, and beside it the SDK
alone in a virtual environment). The run fails when a scenario fails that is in no baseline (fixtures.yml,
product.yml), and when one passes that is.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.with_servers import free_port, running

HERE = Path(__file__).parent
CLIENTS = HERE.parents[1] / "docs/clients.md"
REVISIONS = ("2026-07-28", "2025-11-25")
PATIENT = "hard-amara-okafor"
START_SECONDS = 60
RUN_SECONDS = 240


def main(node_modules: Path) -> int:
    """Run it all; 0 when nothing failed that is not expected to."""
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        serve = ["agent.cli", "mcp", "fhir", "--data-dir", data, "--patient", PATIENT, "--now", "2026-11-01"]
        product = stack.enter_context(listening(*serve, "--http", "127.0.0.1:{port}"))
        fixtures = stack.enter_context(listening("tests.conformance.fixture_server", "{port}"))
        failed = [
            f"{baseline} at {revision}"
            for baseline, url in (("fixtures", fixtures), ("product", product))
            for revision in REVISIONS
            if not conforms(node_modules, url, revision, HERE / f"{baseline}.yml", Path(data))
        ]
        for target in ([sys.executable, "-m", *serve, "--stdio"], [product]):
            failed += inspect(node_modules, target)
        failed += follow_the_page(node_modules, Path(data))
    for what in failed:
        print(f"FAILED: {what}", file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def listening(*command: str) -> Iterator[str]:
    """The MCP endpoint of a Python module as a process; `{port}` in its arguments is a free one."""
    port = free_port()
    with running(command[0], *(part.format(port=port) for part in command)) as process:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                yield f"http://127.0.0.1:{port}/mcp"
                return
        sys.exit(f"{command[0]} does not listen on port {port}")


def conforms(node_modules: Path, url: str, revision: str, baseline: Path, folder: Path) -> bool:
    """Whether a server fails nothing but what its baseline names; the suite's summary is printed."""
    done = node(
        node_modules,
        "conformance", "server", "--url", url, "--requirements", revision,
        "--expected-failures", str(baseline), "--output-dir", str(folder / "conformance"),
    )  # fmt: skip
    _, found, summary = done.stdout.partition("=== SUMMARY ===")
    print(f"=== {baseline.stem} at {revision}{summary if found else done.stdout + done.stderr}", flush=True)
    return found != "" and done.returncode == 0


def inspect(node_modules: Path, target: list[str]) -> list[str]:
    """What the Inspector finds amiss: portable schemas, a call, a resource, a refused call."""
    where = "stdio" if len(target) > 1 else "HTTP"
    if where == "HTTP":
        target = ["--transport", "http", "--server-url", *target]

    def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
        done = node(node_modules, "mcp-inspector", "--cli", *target, *arguments)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, {}

    call = ("--method", "tools/call", "--tool-name", "observations", "--tool-arg")
    listed, tools = ask("--method", "tools/list", "--strict")
    called, found = ask(*call, "name=HbA1c")
    _, read = ask("--method", "resources/read", "--uri", "chart://overview")
    refused, error = ask(*call, "nonsense=1")
    checks = {
        "tools/list --strict": listed == 0 and len(tools.get("tools", [])) > 4,
        "tools/call": called == 0 and found.get("structuredContent", {}).get("returned") == 1,
        "resources/read": "Amara Okafor" in str(read.get("contents")),
        "a refused call": refused != 0 and error.get("isError") is True,
    }
    for name, passed in checks.items():
        print(f"{'✓' if passed else '✗'} Inspector over {where}: {name}", flush=True)
    return [f"Inspector over {where}: {name}" for name, passed in checks.items() if not passed]


def follow_the_page(node_modules: Path, data: Path) -> list[str]:
    """What does not work of docs/clients.md: its configuration in the Inspector, its Python elsewhere."""
    found = re.findall(r"```(json|python)\n(.*?)```", CLIENTS.read_text(encoding="utf-8"), re.DOTALL)
    configuration, script = (
        next(block for kind, block in found if kind == wanted) for wanted in ("json", "python")
    )
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Clients hand their servers a home and little else: the journal of whoever runs this stays apart.
    os.environ["HOME"] = os.environ["EHR_NAVIGATOR_DATA_DIR"] = str(data)
    (data / "clients.json").write_text(configuration, encoding="utf-8")
    configured = ("--config", str(data / "clients.json"), "--server", "chart")
    listed = node(node_modules, "mcp-inspector", "--cli", *configured, "--method", "tools/list")
    python = node_modules.parent / "venv/bin/python"
    called = subprocess.run(
        [python, "-c", script], capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    checks = {
        "the Inspector with its configuration": (listed, "chart_overview"),
        "its Python in another environment": (called, "Observation/hard-amara-okafor-hba1c"),
    }
    failed = [name for name, (done, awaited) in checks.items() if awaited not in done.stdout]
    for name, (done, _) in checks.items():
        said = f"\n{done.stdout}{done.stderr}" if name in failed else ""
        print(f"{'✗' if name in failed else '✓'} {CLIENTS.name}: {name}{said}", flush=True)
    return [f"{CLIENTS.name}: {name}" for name in failed]


def node(node_modules: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A Node program, run by the Node that was installed beside it."""
    runtime = node_modules / "node" / "bin" / "node"
    return subprocess.run(
        [runtime, node_modules / ".bin" / program, *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
