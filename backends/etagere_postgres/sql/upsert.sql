-- $5: overwrite what is there. $6: keep its expiry.
-- The keys are sorted, here and in all that writes: no two statements can wait for each other.
INSERT INTO {table} AS held (key, value, etag, expires_at)
SELECT
    key,
    value,
    etag,
    date_trunc('milliseconds', clock_timestamp()) + ttl * interval '1 millisecond'
FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bigint[]) AS wanted (key, value, etag, ttl)
ON CONFLICT (key) DO UPDATE
SET
    value = EXCLUDED.value,
    etag = EXCLUDED.etag,
    expires_at = CASE
        WHEN $6::boolean AND held.expires_at > clock_timestamp() THEN held.expires_at
        ELSE EXCLUDED.expires_at
    END
WHERE held.expires_at <= clock_timestamp() OR ($5::boolean AND held.etag <> EXCLUDED.etag)
RETURNING held.key
