UPDATE {table} AS held
SET
    value = substring($2::bytea FROM wanted.start FOR wanted.size),
    etag = wanted.etag,
    expires_at = CASE
        WHEN wanted.keep THEN held.expires_at
        ELSE date_trunc('milliseconds', clock_timestamp()) + wanted.ttl * interval '1 millisecond'
    END
FROM json_to_recordset($1::json) AS wanted (
    key text, expected text, start integer, size integer, etag text, ttl bigint, keep boolean
)
WHERE held.key = wanted.key
    AND held.etag = wanted.expected
    AND held.etag <> wanted.etag
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
