DELETE FROM {table} AS held
USING unnest($1::text::text[], $2::text::text[]) AS wanted (key, expected)
WHERE held.key = wanted.key
    AND (wanted.expected IS NULL OR held.etag = wanted.expected)
    AND (held.expires_at IS NULL OR held.expires_at > clock_timestamp())
RETURNING held.key
