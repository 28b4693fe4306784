-- $3: overwrite what is there, unless the same write left it there. $4: keep its expiry.
-- $5: the keys on which an earlier write of the batch, not sent, comes in between.
-- The keys are sorted, here and in all that writes: no two statements can wait for each other.
INSERT INTO {table} AS held (key, value, etag, expires_at)
SELECT
    key,
    substring($2::bytea FROM start FOR size),
    etag,
    date_trunc('milliseconds', clock_timestamp()) + ttl * interval '1 millisecond'
FROM json_to_recordset($1::json)
    AS wanted (key text, start integer, size integer, etag text, ttl bigint)
ON CONFLICT (key) DO UPDATE
SET
    value = EXCLUDED.value,
    etag = EXCLUDED.etag,
    expires_at = CASE
        WHEN $4::boolean AND held.expires_at > clock_timestamp() THEN held.expires_at
        ELSE EXCLUDED.expires_at
    END
WHERE held.expires_at <= clock_timestamp()
    OR ($3::boolean AND (held.etag <> EXCLUDED.etag OR held.key = ANY ($5::text[])))
RETURNING held.key
