"""The FHIR server to measure against: the embedded store in a process of its own, or one that is given."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path

import httpx
import uvicorn

from fhir_fixtures import charts
from fhir_fixtures.generate.scaled import ScaledCharts, patient_id
from fhir_fixtures.loader import load_resources
from fhir_fixtures.readiness import answers
from fhir_fixtures.store import create_app, open_store

# Putting every chart into the embedded store takes half a minute.
START_SECONDS = 600


class MeasuredCharts:
    """The sample charts and the scaled ones of some sizes."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._scaled = ScaledCharts(sizes)

    def resources(self) -> Iterator[dict[str, object]]:
        """Every resource."""
        return chain(charts.resources(), self._scaled.resources())

    def digest(self) -> str:
        """Changes with any of them."""
        return self._scaled.digest()


@asynccontextmanager
async def measured_server(
    fhir: str | None, sizes: tuple[int, ...], say: Callable[[str], object]
) -> AsyncIterator[httpx.AsyncClient]:
    """A connection to a FHIR server that holds the charts of these sizes.

    A server that is given (`fhir`, its base URL) must hold the sample charts; scaled charts that it lacks are
    loaded into it and stay there, which `say` is told. Raises loader.LoadError.
    """
    if fhir is None:
        with _embedded(sizes) as base:
            async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as http:
                yield http
        return
    async with httpx.AsyncClient(base_url=fhir, timeout=60, trust_env=False) as http:
        for size in sizes:
            found = await http.get(f"/Patient/{patient_id(size)}")
            if not found.is_success:
                say(f"Loading a chart of {size:,} resources ...")
                report = await load_resources(http, list(ScaledCharts((size,)).resources()))
                say(f"... in {report.seconds:.0f} s.")
        yield http


@contextmanager
def _embedded(sizes: tuple[int, ...]) -> Iterator[str]:
    """The base URL of an embedded store that holds the charts, in a process that ends with the block."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        descriptor = str(listening.fileno())
        command = ["-m", "evals.bench.serving", f"{folder}/store.db", descriptor, ",".join(map(str, sizes))]
        server = subprocess.Popen([sys.executable, *command], pass_fds=[listening.fileno()])
        try:
            base = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
            if not answers(base, server, START_SECONDS):
                raise SystemExit("the embedded store did not start")
            yield base
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Serve the charts of the sizes named, from a store at a path, on a listening socket's descriptor."""
    path, descriptor, sizes = sys.argv[1:]
    store = open_store(Path(path), MeasuredCharts(tuple(map(int, filter(None, sizes.split(","))))))
    server = uvicorn.Server(uvicorn.Config(create_app(store), log_level="warning"))
    # Not by `fd`: uvicorn takes that for a Unix socket, and answers then wait 40 ms for an acknowledgement.
    server.run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
