-- Several processes may run this at once: the first does it, the others wait and find it done.
BEGIN IMMEDIATE;

-- The value comes last, so that reading an etag or an expiry never walks through a long value.
-- A table WITHOUT ROWID would hold values of 1 kB in overflow pages: three times the file, half the speed.
CREATE TABLE IF NOT EXISTS {records} (
    key TEXT NOT NULL PRIMARY KEY,
    etag TEXT NOT NULL,
    expires_at INTEGER,
    value BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS {expiry} ON {records} (expires_at) WHERE expires_at IS NOT NULL;

-- Not PRAGMA user_version: the file may belong to an application with a version of its own.
CREATE TABLE IF NOT EXISTS {meta} (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
);

INSERT OR IGNORE INTO {meta} (name, value) VALUES ('schema', 1);

COMMIT;
