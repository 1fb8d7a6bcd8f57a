"""Runs the built HAPI server as a child process that never outlives this one."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fhir_fixtures.hapi.build import HapiUnavailable, build, cache_folder, find_java
from fhir_fixtures.readiness import answers

START_SECONDS = 300.0
STOP_SECONDS = 20.0


def jdbc_settings(database: str | None) -> dict[str, str]:
    """JDBC_URL, JDBC_USER and JDBC_PASSWORD of `database`; none of them for None, the server's own.

    `postgresql://USER[:PASSWORD]@HOST[:PORT]/NAME`, its password from PGPASSWORD when the URL has none.
    Raises HapiUnavailable for anything else.
    """
    if database is None:
        return {}
    url = urlsplit(database)
    if url.scheme != "postgresql" or not url.hostname or not url.username or url.path in {"", "/"}:
        raise HapiUnavailable("the database must be postgresql://USER[:PASSWORD]@HOST[:PORT]/NAME")
    password = unquote(url.password) if url.password else os.environ.get("PGPASSWORD", "")
    host = url.netloc.rpartition("@")[2]
    return {
        "JDBC_URL": f"jdbc:postgresql://{host}{url.path}",
        "JDBC_USER": unquote(url.username),
        "JDBC_PASSWORD": password,
    }


@contextmanager
def running_hapi(
    port: int = 0, database: str | None = None, fill: Callable[[str], None] = lambda base: None
) -> Iterator[str]:
    """The base URL (`http://127.0.0.1:N/fhir`) of a HAPI server that answers, for as long as the block lasts.

    Builds it first where needed. `port` 0 takes any free one. The server listens on loopback only. Without a
    `database` (see `jdbc_settings`) it runs a PostgreSQL of its own, whose data end with it. `fill` is called
    with the base URL before the server starts to audit. Raises HapiUnavailable when Java or Maven is missing,
    the build or the start fails, or the port is taken.
    """
    settings = jdbc_settings(database)
    java = find_java()
    jar = build()
    _require_free(port)
    log = cache_folder() / "server.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JDBC_")}
    # Half the CPU time of the default flags, on a server that lives for minutes. HAPI reads dates without an
    # offset in the time zone of its machine: UTC makes its answers the same everywhere.
    flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx2g", "-Duser.timezone=UTC"]
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [java, *flags, "-jar", str(jar), f"--server.port={port}"],
            env={**inherited, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Ctrl-C is for this process, which then ends the server.
            start_new_session=True,
        )
    try:
        base = f"http://127.0.0.1:{_announced(server, 'port', log)}/fhir"
        if not answers(base, server, START_SECONDS):
            raise _failed_to_start(log)
        fill(base)
        _start_audit(server, log)
        yield base
    finally:
        _stop(server)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise HapiUnavailable(
                f"port {port} is taken ({error.strerror}); choose another, or 0 for any"
            ) from error


def _start_audit(server: subprocess.Popen[str], log: Path) -> None:
    assert server.stdin is not None
    server.stdin.write("\n")
    server.stdin.flush()
    _announced(server, "auditing", log)


def _announced(server: subprocess.Popen[str], word: str, log: Path) -> str:
    """What follows `word` on the server's standard output, which ends when the server does."""
    assert server.stdout is not None
    deadline = threading.Timer(START_SECONDS, server.kill)
    deadline.start()
    try:
        for line in server.stdout:
            said, _, rest = line.strip().partition(" ")
            if said == word:
                return rest
    finally:
        deadline.cancel()
    raise _failed_to_start(log)


def _failed_to_start(log: Path) -> HapiUnavailable:
    end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    return HapiUnavailable(f"the HAPI server did not start; the end of {log}:\n{end}")


def _stop(server: subprocess.Popen[str]) -> None:
    """Closes the server's standard input, on which it ends; kills it if it does not in time."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        server.stdout.close()
