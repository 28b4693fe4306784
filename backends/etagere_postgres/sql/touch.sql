UPDATE {table} AS held
SET expires_at = date_trunc('milliseconds', clock_timestamp()) + wanted.ttl * interval '1 millisecond'
FROM json_to_recordset($1::json) AS wanted (key text, expected text, ttl bigint)
WHERE held.key = wanted.key
    AND (wanted.expected IS NULL OR held.etag = wanted.expected)
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
