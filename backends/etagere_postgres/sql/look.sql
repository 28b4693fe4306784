-- A statement of its own, because only a new snapshot shows what others wrote before `lock` got hold.
SELECT
    key,
    etag,
    round(extract(epoch FROM expires_at) * 1000)::bigint,
    (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM {table}
WHERE key = ANY ($1::text::text[])
