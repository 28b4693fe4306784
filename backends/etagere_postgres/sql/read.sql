SELECT key, value, etag, round(extract(epoch FROM expires_at) * 1000)::bigint
FROM {table}
WHERE key = ANY ($1::text::text[])
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
