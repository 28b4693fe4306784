-- COLLATE "C" sorts text by its UTF-8 bytes.
CREATE TABLE {table} (
    key text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL,
    etag text NOT NULL,
    expires_at timestamptz
);

CREATE INDEX ON {table} (expires_at) WHERE expires_at IS NOT NULL;
