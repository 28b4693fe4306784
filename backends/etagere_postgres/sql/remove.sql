DELETE FROM {table} AS held
USING json_to_recordset($1::json) AS wanted (key text, expected text)
WHERE held.key = wanted.key
    AND (wanted.expected IS NULL OR held.etag = wanted.expected)
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
