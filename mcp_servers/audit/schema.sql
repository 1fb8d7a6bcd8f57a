-- The journal's tables. Triggers refuse every change to a record and every break of the chain.
CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'intent', 'completion', 'model_step', 'answer')),
  at TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE INDEX record_session ON record (session, seq);

CREATE TRIGGER record_appends BEFORE INSERT ON record
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM record)
  OR NEW.previous IS NOT coalesce((SELECT hash FROM record WHERE seq = NEW.seq - 1), printf('%064d', 0))
  OR EXISTS (SELECT 1 FROM record WHERE id = NEW.id)
BEGIN
  SELECT raise(ABORT, 'a record may only follow the last one');
END;

CREATE TRIGGER record_stays BEFORE DELETE ON record
BEGIN
  SELECT raise(ABORT, 'a record may not be deleted');
END;

CREATE TRIGGER record_is_final BEFORE UPDATE ON record
BEGIN
  SELECT raise(ABORT, 'a record may not be changed');
END;

-- One AuditEvent per completed call: `seq` is its completion's, `id` the call's and the event's.
-- What is below `event` is the state of its delivery, and may change.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL,
  destination TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'refused')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at REAL NOT NULL DEFAULT 0,
  diagnostics TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX outbox_undelivered ON outbox (destination, seq) WHERE state <> 'delivered';

CREATE TRIGGER outbox_stays BEFORE DELETE ON outbox
BEGIN
  SELECT raise(ABORT, 'a queued event may not be deleted');
END;

CREATE TRIGGER outbox_event_is_final BEFORE UPDATE OF seq, id, session, destination, event ON outbox
BEGIN
  SELECT raise(ABORT, 'a queued event may not be changed');
END;
