SELECT key, etag
FROM {table}
WHERE key = ANY ($1::text::text[])
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
