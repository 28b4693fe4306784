-- No value means the one that is there.
WITH gone AS (
    DELETE FROM {table} WHERE key = ANY ($1::text[])
)
UPDATE {table} AS held
SET
    value = coalesce(substring($3::bytea FROM wanted.start FOR wanted.size), held.value),
    etag = wanted.etag,
    expires_at = timestamptz 'epoch' + wanted.expires_at * interval '1 millisecond'
FROM json_to_recordset($2::json)
    AS wanted (key text, start integer, size integer, etag text, expires_at bigint)
WHERE held.key = wanted.key
