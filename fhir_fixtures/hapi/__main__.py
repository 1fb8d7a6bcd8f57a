"""`python -m fhir_fixtures.hapi`: starts a real HAPI server, prints its base URL, stays until Ctrl-C."""

import argparse
import signal
import sys
import time
from pathlib import Path

import anyio
import httpx

from fhir_fixtures import loader
from fhir_fixtures.hapi.build import HapiUnavailable
from fhir_fixtures.hapi.process import running_hapi


def load_charts(base: str) -> None:
    """Loads the sample charts into the server at `base`. Raises loader.LoadError."""

    async def load() -> None:
        async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
            report = await loader.load(http)
            print(f"{report.resources} resources loaded in {report.seconds:.0f} s", file=sys.stderr)

    print("Loading the sample charts (some minutes) ...", file=sys.stderr)
    anyio.run(load)


def main() -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m fhir_fixtures.hapi", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on loopback (default: any free one)")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="postgresql://USER[:PASSWORD]@HOST[:PORT]/NAME (default: one of its own, deleted at the end)",
    )
    parser.add_argument(
        "--load", action="store_true", help="load the sample charts before printing the base URL"
    )
    parser.add_argument(
        "--base-file", type=Path, help="write the base URL to this file too, once all is ready"
    )
    arguments = parser.parse_args()
    # A plain kill unwinds like Ctrl-C, so that the server is stopped in order. A shell starts what it puts in
    # the background with Ctrl-C ignored: asked to end, this command ends there too.
    for asked_to_end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked_to_end, signal.default_int_handler)
    try:
        print("Starting HAPI (the first build takes some minutes) ...", file=sys.stderr)
        fill = load_charts if arguments.load else lambda base: None
        with running_hapi(arguments.port, arguments.database, fill) as base:
            print(base, flush=True)
            if arguments.base_file:
                arguments.base_file.write_text(base + "\n")
            while True:
                time.sleep(3600)
    except (HapiUnavailable, loader.LoadError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
