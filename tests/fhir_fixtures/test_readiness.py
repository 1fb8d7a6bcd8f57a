"""Waiting for a server: until it answers, and no longer than its process lasts."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fhir_fixtures.readiness import answers

SERVER = """
import http.server, sys
class Metadata(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Metadata.asked += 1
        self.send_response(200 if Metadata.asked > 1 else 503)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Metadata)
print(server.server_port, flush=True)
server.serve_forever()
"""
SILENT = """
import socket, time
with socket.socket() as bound:
    bound.bind(("127.0.0.1", 0))
    print(bound.getsockname()[1], flush=True)
    time.sleep({seconds})
"""


@contextmanager
def started(script: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The base URL of a server in a process that runs the script, and the process."""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/fhir", server
        finally:
            server.kill()


def test_a_server_that_is_not_ready_at_first_is_asked_again() -> None:
    with started(SERVER) as (base, server):
        assert answers(base, server, 30)


@pytest.mark.parametrize(("lasts", "waits"), [(0, 300), (300, 0.3)])
def test_a_process_that_ended_or_stays_silent_is_waited_for_no_longer(lasts: float, waits: float) -> None:
    with started(SILENT.format(seconds=lasts)) as (base, server):
        before = time.monotonic()
        assert not answers(base, server, waits)
        assert time.monotonic() - before < 100
