UPDATE {table} AS held
SET
    value = substring($4::bytea FROM wanted.start FOR wanted.size),
    etag = wanted.etag,
    expires_at = CASE
        WHEN wanted.keep THEN held.expires_at
        ELSE date_trunc('milliseconds', clock_timestamp()) + wanted.ttl * interval '1 millisecond'
    END
FROM unnest(
    $1::text::text[], $2::text::text[], $3::text::text[], $5::text::integer[],
    $6::text::integer[], $7::text::bigint[], $8::text::boolean[]
) AS wanted (key, expected, etag, start, size, ttl, keep)
WHERE held.key = wanted.key
    AND held.etag = wanted.expected
    AND held.etag <> wanted.etag
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
