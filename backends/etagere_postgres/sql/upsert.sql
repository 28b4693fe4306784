-- $7: overwrite what is there, unless the same write left it there. $8: keep its expiry.
-- $9: the keys on which an earlier write of the batch, not sent, comes in between.
-- The keys are sorted, here and in all that writes: no two statements can wait for each other.
INSERT INTO {table} AS held (key, value, etag, expires_at)
SELECT
    key,
    substring($3::bytea FROM start FOR size),
    etag,
    date_trunc('milliseconds', clock_timestamp()) + ttl * interval '1 millisecond'
FROM unnest(
    $1::text::text[], $2::text::text[], $4::text::integer[], $5::text::integer[],
    $6::text::bigint[]
) AS wanted (key, etag, start, size, ttl)
ON CONFLICT (key) DO UPDATE
SET
    value = EXCLUDED.value,
    etag = EXCLUDED.etag,
    expires_at = CASE
        WHEN $8::boolean AND held.expires_at > clock_timestamp() THEN held.expires_at
        ELSE EXCLUDED.expires_at
    END
WHERE held.expires_at <= clock_timestamp()
    OR (
        $7::boolean
        AND (held.etag <> EXCLUDED.etag OR held.key = ANY ($9::text::text[]))
    )
RETURNING held.key
