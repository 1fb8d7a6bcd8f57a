"""Small trails for the tests: who calls, and calls as the chart server would record them."""

import subprocess
import sys
from pathlib import Path

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.journal import Journal
from mcp_servers.audit.chain.keys import Key
from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.identity import Identity
from mcp_servers.audit.recorder import Context, Recorder

RING = [Key(b"k" * 32)]
BASE = "http://ehr.example/fhir"
REPOSITORY = Path(__file__).parents[3]


def recorder(journal: Journal, session: str = "s1") -> Recorder:
    """A recorder for a clinician's session."""
    return Recorder(journal, Context(session=session, identity=Identity("dr.grey"), fhir_base=BASE))


def observe(journal: Journal, session: str = "s1", patient: str = "Patient/p1") -> tuple[str, Record]:
    """A search that found one record: the call's id, and its completion."""
    call = recorder(journal, session).begin(
        "observations",
        {"name": "HbA1c"},
        patient,
        {"step": 1, "model": {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4"}},
    )
    call.request("GET", f"{BASE}/Observation?patient=p1&code=4548-4", 200, 12.34)
    call.complete("ok", rows=1, refs=["Observation/o1"], patients=[patient], result_sha256="ab" * 32)
    return call.id, [*trail.records(journal.path, session)][-1]


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that runs `script` on this repository's code."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


class Clock:
    """Time that passes when the test says so, in seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now
