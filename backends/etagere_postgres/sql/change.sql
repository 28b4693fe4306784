WITH gone AS (
    DELETE FROM {table} WHERE key = ANY ($1::text::text[])
)
UPDATE {table} AS held
SET
    value = CASE
        WHEN wanted.keep THEN held.value
        ELSE substring($6::bytea FROM wanted.start FOR wanted.size)
    END,
    etag = wanted.etag,
    expires_at = timestamptz 'epoch' + wanted.expires_at * interval '1 millisecond'
FROM unnest(
    $2::text::text[], $3::text::text[], $4::text::bigint[], $5::text::boolean[],
    $7::text::integer[], $8::text::integer[]
) AS wanted (key, etag, expires_at, keep, start, size)
WHERE held.key = wanted.key
