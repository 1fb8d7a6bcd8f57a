"""The append-only journal: what is appended is on disk, chained to what came before, when `write` returns."""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from mcp_servers.audit.chain import checkpoint, content, schema
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.errors import (
    JournalUnavailable,
    KeyUnusable,
    busy,
    damaged,
    of_another_version,
    unavailable,
)
from mcp_servers.audit.chain.files import companions, identity, lock_path
from mcp_servers.audit.chain.head import (
    SignedHead,
    create_head,
    head_path,
    open_head,
    read_head,
    signed_head,
    write_head,
)
from mcp_servers.audit.chain.keys import Key, Ring
from mcp_servers.audit.chain.locks import held, open_lock
from mcp_servers.audit.chain.record import Kind, Record
from mcp_servers.audit.chain.transaction import Transaction
from mcp_servers.audit.chain.writers import Writer

KEY_PURPOSE = "key"

T = TypeVar("T")


class _Waiting(Generic[T]):
    """A work that waits to be committed."""

    def __init__(self, work: Callable[[Transaction], T], *, deferred: bool = False) -> None:
        self.work = work
        self.deferred = deferred
        self.done = False
        self.result: T
        self.error: BaseException | None = None


class Journal:
    """A journal open for writing, made private to its user; several processes and threads may hold one.

    SQLite in WAL mode with full synchronisation: a record survives a crash of the machine once `write` has
    returned. Threads that write at the same time share one commit, signed with the key of `ring` that the
    journal was last rotated to. Raises JournalUnavailable, from every method, when that cannot be promised;
    KeyUnusable where the ring does not hold the journal's key.
    """

    def __init__(
        self,
        path: Path,
        ring: Ring,
        *,
        lock_seconds: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._clock = clock
        self._ring = ring
        self._lock_seconds = lock_seconds
        self._lock = threading.Lock()  # around the connection
        self._turn = threading.Condition()
        self._committing = False
        self._closed = False
        self._signed: SignedHead | None = None  # the last that is known to be the key's
        self._queue: deque[_Waiting[Any]] = deque()
        self._sealing = Content(ring)
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite would open a read-only file all the same, and gives its companions the file's mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            opened = identity(path)
            self._between = open_lock(lock_path(path))
            self._db = sqlite3.connect(
                path, timeout=lock_seconds, isolation_level=None, check_same_thread=False
            )
            try:
                with held(self._between, lock_seconds):
                    self._prepare()
                    self.writer = Writer(path)
                self._head = open_head(path)
                # What is written to a companion that was deleted meanwhile is gone with this process.
                self._paths = (path, *companions(path))
                self._files = [opened, *map(identity, self._paths[1:])]
            except BaseException:
                self._db.close()
                os.close(self._between)
                raise

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, once all that it wrote is on disk; where it raises, nothing of it is.

        `work` must do nothing but write: it may run in another thread's commit.
        """
        waiting = _Waiting(work)
        with self._turn:
            self._queue.append(waiting)
            self._turn.wait_for(lambda: waiting.done or not self._committing)
            leads = not waiting.done
            self._committing = self._committing or leads
        if leads:  # it commits all that wait
            try:
                with self._lock:
                    self._commit()
            finally:
                with self._turn:
                    self._committing = False
                    self._turn.notify_all()
        if waiting.error is not None:
            raise waiting.error
        return waiting.result

    def defer(self, work: Callable[[Transaction], object]) -> None:
        """Let `work` be part of the next write, whoever makes it, or of `close`; it may be lost till then."""
        self._queue.append(_Waiting(work, deferred=True))

    def append(
        self, kind: Kind, session: str, body: dict[str, Any], said: dict[str, Any] | None = None
    ) -> Record:
        """Append one record, durably."""
        return self.write(lambda write: write.append(kind, session, body, said=said))

    @property
    def public(self) -> str:
        """The public half of the key that signs now."""
        with self._lock, self._explained():
            return self._current_key().public

    def rotate(self, to: Key, by: str = "") -> None:
        """Sign with another key from now on, for which the present one vouches; it wraps all content.

        `by` is who brought it in.
        """

        def rotated(write: Transaction) -> None:
            vouched = write.key.sign(KEY_PURPOSE, to.public)
            write.append("key", "", {"public": to.public, "signature": vouched, "by": by})
            content.rewrap(write.connection, write.sealing, to)
            write.key = to

        self._ring = [*self._ring, to]
        self._sealing.ring = self._ring
        self.write(rotated)

    def erase(self, before: str, by: str = "", *, undelivered: bool = False) -> list[str]:
        """Destroy what was said in the months before `before` (`2026-11`); the chain still verifies.

        Returns the months. Those with an AuditEvent that still waits are left, but if `undelivered`.
        `by`: who did it, if by hand.
        """

        def erased(write: Transaction) -> list[str]:
            if months := content.erase(write.connection, before, undelivered=undelivered):
                write.append("erasure", "", {"months": months, "by": by})
                write.sealing.forget()
            return months

        months = self.write(erased)
        if months:
            with self._lock, self._explained():  # the wrapped keys go out of the write-ahead log too
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return months

    def event(self, event_id: str) -> Any:
        """A queued AuditEvent, which must be there; None where it was erased. Raises KeyUnusable."""
        with self._lock, self._explained():
            at, sealed = self._db.execute(
                "SELECT record.at, event FROM outbox JOIN record USING (seq) WHERE outbox.id = ?", (event_id,)
            ).fetchone()
            return self._sealing.open(self._db, at, event_id, sealed)

    def count(self, session: str) -> int:
        """How many tool calls of a session are on the trail."""
        with self._lock, self._explained():
            found = self._db.execute(
                "SELECT count(*) FROM record WHERE session = ? AND kind = 'intent'"
                " AND json_extract(body, '$.act') = 'tool_call'",
                (session,),
            ).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Close the journal; the last process to do so folds the write-ahead log into the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._queue:
                with suppress(
                    JournalUnavailable
                ):  # an intent then stands without its completion, and is closed
                    self._commit()
            with suppress(OSError), held(self._between, self._lock_seconds):  # TimeoutError is one
                self.writer.close()
            os.close(self._between)
            self._db.close()
            self._head.close()

    def _commit(self) -> None:
        """Commit all works that wait, in order; one that fails is undone alone.

        Where nothing can be committed, those who wait are told, and what was deferred waits for the next.
        """
        waiting = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            with self._explained(), held(self._between, self._lock_seconds):
                self._check_files()
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    write = self._begun(self._current_key())
                    self._check_signed(write)
                    known = write.head
                    for one in waiting:
                        self._work(one, write)
                    if write.head.seq - checkpoint.covered(self._db) > checkpoint.EVERY:
                        checkpoint.append(write)
                    signed = write.sign() if write.head != known else None
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    self._sealing.forget()
                    raise
                if signed:
                    self._signed = signed
                    write_head(self._head, signed)
        except BaseException as error:
            for one in waiting:
                one.error = error
            self._queue.extendleft(reversed([one for one in waiting if one.deferred]))
            if not isinstance(error, Exception):
                raise
        finally:
            for one in waiting:
                one.done = True

    def _begun(self, key: Key) -> Transaction:
        return Transaction(self._db, self._sealing, key, self._clock())

    def _check_files(self) -> None:
        if [*map(identity, self._paths)] != self._files:
            raise damaged(self.path, "it was moved or replaced while it was open")

    def _work(self, one: _Waiting[Any], write: Transaction) -> None:
        before = write.head, write.key
        self._db.execute("SAVEPOINT work")
        try:
            one.result = one.work(write)
        except (sqlite3.OperationalError, sqlite3.InternalError):
            raise
        except Exception as error:
            self._db.execute("ROLLBACK TO work")
            write.head, write.key = before
            self._sealing.forget()
            one.error = unavailable(self.path, error) if isinstance(error, sqlite3.Error) else error
        self._db.execute("RELEASE work")

    def _current_key(self) -> Key:
        """The key that the journal was last rotated to. Raises KeyUnusable where it is not at hand."""
        public = self._db.execute(
            "SELECT json_extract(body, '$.public') FROM record WHERE kind = 'key' ORDER BY seq DESC LIMIT 1"
        ).fetchone()[0]
        for key in self._ring:
            if key.public == public:
                return key
        raise KeyUnusable(
            f"The audit journal {self.path} was written with another key than the one at hand; bring that key"
            " back, or, where it was rotated meanwhile, start again with the new one."
        )

    def _prepare(self) -> None:
        if str(self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0]) != "wal":
            raise JournalUnavailable(
                f"The audit journal {self.path} lies on a file system that cannot hold a write-ahead log; "
                "set another data folder."
            )
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("BEGIN IMMEDIATE")
        if not self._db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            self._create()
        if not schema.is_journal(self._db):
            raise damaged(self.path, "it is a database, but no audit journal")
        if which := schema.other_version(self._db):
            raise of_another_version(self.path, which)
        self._check_end(self._begun(self._current_key()))
        self._db.execute("COMMIT")

    def _create(self) -> None:
        schema.create(self._db)
        key = self._ring[-1]
        write = self._begun(key)
        write.append("key", "", {"public": key.public, "signature": key.sign(KEY_PURPOSE, key.public)})
        write.sign()
        if not head_path(self.path).exists():
            create_head(self.path, key)

    def _check_end(self, write: Transaction) -> None:
        """Refuse a journal that lost its tail: appending to it would bury the loss."""
        self._check_signed(write)
        head = read_head(self.path)
        if head is None:
            raise damaged(self.path, "its .head file is missing or unreadable, so a loss would go unnoticed")
        known = self._db.execute("SELECT hash FROM record WHERE seq = ?", (head.seq,)).fetchone()
        if head.seq and (known is None or known[0] != head.hash):
            raise damaged(self.path, f"record {head.seq}, once written, is lost or changed")
        # A head that lags behind a rotation was signed by the key before.
        if not any(head.stands(one.public) for one in (write.key, *self._ring)):
            raise damaged(self.path, "its .head file was not signed with its key")

    def _check_signed(self, write: Transaction) -> None:
        """Refuse what was added or written anew without the key: to sign what follows would vouch for it."""
        found = signed_head(self._db)
        if found is None or (found.seq, found.hash) != (write.head.seq, write.head.hash):
            raise damaged(self.path, f"record {write.head.seq}, its last, was not signed for")
        if found != self._signed and not found.stands(write.key.public):  # another process may have written
            raise damaged(self.path, f"record {write.head.seq}, its last, was not signed with its key")
        self._signed = found

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise busy(self.path) from None
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self.path, error) from error
