-- The journal's tables. Triggers refuse every change to a record and every break of the chain.
CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('intent', 'completion', 'checkpoint', 'key', 'erasure')),
  at TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE INDEX record_session ON record (session, seq);
CREATE INDEX record_key ON record (seq) WHERE kind = 'key';
CREATE INDEX record_checkpoint ON record (seq) WHERE kind = 'checkpoint';

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

-- The last record, as the journal's key signed for it: what comes after it was not written with the key.
CREATE TABLE head (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT NOT NULL
) STRICT;

-- The intents that have no completion yet, and the process (`writer`) that will complete them.
CREATE TABLE open_intent (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  writer TEXT NOT NULL
) STRICT;

-- What was said in a month is sealed with that month's key, which is itself wrapped by the journal's key.
-- A key that is erased takes with it what it sealed: its month then has no `wrapped`.
CREATE TABLE content_key (
  month TEXT PRIMARY KEY,
  wrapped TEXT
) STRICT;

CREATE TRIGGER content_key_stays BEFORE DELETE ON content_key
BEGIN
  SELECT raise(ABORT, 'a month may be erased, not forgotten');
END;

CREATE TRIGGER content_key_stays_erased BEFORE UPDATE ON content_key
WHEN OLD.wrapped IS NULL OR NEW.month IS NOT OLD.month
BEGIN
  SELECT raise(ABORT, 'what was erased stays erased');
END;

-- AuditEvents to be delivered: `seq` is the completion's that queued it, `id` the event's, `event` its sealed JSON.
-- What is below `event` is the state of its delivery, and may change.
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL,
  destination TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'refused')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at REAL NOT NULL DEFAULT 0,
  diagnostics TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX outbox_seq ON outbox (seq);
CREATE INDEX outbox_pending ON outbox (destination, position) WHERE state = 'pending';
CREATE INDEX outbox_refused ON outbox (destination, position) WHERE state = 'refused';

CREATE TRIGGER outbox_stays BEFORE DELETE ON outbox
BEGIN
  SELECT raise(ABORT, 'a queued event may not be deleted');
END;

CREATE TRIGGER outbox_event_is_final BEFORE UPDATE OF position, seq, id, session, destination, event ON outbox
BEGIN
  SELECT raise(ABORT, 'a queued event may not be changed');
END;

-- The Devices (models) that queued events refer to, which a FHIR store must hold before it takes them.
CREATE TABLE device (
  id TEXT NOT NULL,
  destination TEXT NOT NULL,
  resource TEXT NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (id, destination)
) STRICT, WITHOUT ROWID;
