UPDATE {table} AS held
SET expires_at = date_trunc('milliseconds', clock_timestamp()) + wanted.ttl * interval '1 millisecond'
FROM unnest($1::text::text[], $2::text::text[], $3::text::bigint[]) AS wanted (key, expected, ttl)
WHERE held.key = wanted.key
    AND (wanted.expected IS NULL OR held.etag = wanted.expected)
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
