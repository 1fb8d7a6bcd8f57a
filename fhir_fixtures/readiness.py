"""Waits for a FHIR server in a process of its own until it answers."""

import subprocess
import time
from typing import Any

import httpx

_POLL_SECONDS = 0.2


def answers(base: str, server: "subprocess.Popen[Any]", seconds: float) -> bool:
    """True once the server answers at `base`; False when its process ends, or time is up, before."""
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{base}/metadata", timeout=60, trust_env=False).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(_POLL_SECONDS)
    return False
