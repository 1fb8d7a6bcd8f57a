"""Opening the store: loaded once, brought up to date when its samples change, safe when interrupted."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fhir_fixtures.store import Store, open_store
from tests.fhir_fixtures.store.records import RECORDS, Records, patient

# Opens the store named by its argument with samples that never end, until it is killed.
_ENDLESS = """
import sys
from pathlib import Path
from fhir_fixtures.store import open_store
from tests.fhir_fixtures.store.records import RECORDS

class Endless:
    def resources(self):
        yield from RECORDS.resources()
        print("loading", flush=True)
        sys.stdin.read()

    def digest(self):
        return "endless"

open_store(Path(sys.argv[1]), Endless())
"""
_OPEN = """
import sys
from pathlib import Path
from fhir_fixtures.store import open_store
from tests.fhir_fixtures.store.records import RECORDS

store = open_store(Path(sys.argv[1]), RECORDS)
print(store.connection.execute("SELECT count(*) FROM resource").fetchone()[0])
"""


def ids(store: Store) -> set[str]:
    rows = store.connection.execute("SELECT type || '/' || id FROM resource WHERE body IS NOT NULL")
    return {row[0] for row in rows}


def indexed(store: Store, family: str) -> int:
    rows = store.connection.execute("SELECT count(*) FROM string_index WHERE value = ?", (family,))
    return int(rows.fetchone()[0])


def test_samples_are_loaded_once(tmp_path: Path) -> None:
    samples = Records(RECORDS.records)
    for _ in range(2):
        open_store(tmp_path / "new" / "fhir.sqlite", samples).close()
    assert samples.asked == ["1"]


def test_the_file_is_private_to_its_user(store: Store) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_samples_that_change_are_loaded_anew_and_what_users_wrote_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fhir.sqlite"
    old = (
        patient("keep", "Old", "A", "1950"),
        patient("drop", "Old", "B", "1950"),
        patient("own", "Old", "C", "1950"),
    )
    store = open_store(path, Records(old, "1"))
    with store.transaction():
        store.put("Patient", "own", patient("own", "Mine", "C", "1951"))
        store.put("Patient", "user", patient("user", "Mine", "D", "1952"))
    store.close()
    new = (patient("keep", "New", "A", "1950"), patient("own", "New", "C", "1950"))
    store = open_store(path, Records(new, "2"))
    assert ids(store) == {"Patient/keep", "Patient/own", "Patient/user"}
    # Each family stands in the index of `family` and in those of `name` and `phonetic`.
    assert [indexed(store, family) for family in ("Old", "New", "Mine")] == [0, 3, 6]
    own = store.current("Patient", "own")
    assert own
    assert own.version == 2
    store.close()


def test_a_load_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "fhir.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", _ENDLESS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as loading:
        assert loading.stdout
        assert loading.stdout.readline() == b"loading\n"
        loading.send_signal(signal.SIGKILL)
    store = open_store(path, RECORDS)
    assert len(ids(store)) == len(RECORDS.records)
    store.close()


def test_several_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OPEN, str(tmp_path / "fhir.sqlite")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    counts = [process.communicate()[0] for process in running]
    assert counts == [f"{len(RECORDS.records)}\n".encode()] * 3


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    before = ids(store)

    def write_and_fail() -> None:
        with store.transaction():
            store.put("Patient", "user", patient("user", "Mine", "D", "1952"))
            store.connection.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(sqlite3.OperationalError):
        write_and_fail()
    assert ids(store) == before
    assert indexed(store, "Mine") == 0
