UPDATE {table} AS held
SET
    value = wanted.value,
    etag = wanted.etag,
    expires_at = CASE
        WHEN wanted.keep THEN held.expires_at
        ELSE date_trunc('milliseconds', clock_timestamp()) + wanted.ttl * interval '1 millisecond'
    END
FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::boolean[])
    AS wanted (key, value, etag, expected, ttl, keep)
WHERE held.key = wanted.key
    AND held.etag = wanted.expected
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
