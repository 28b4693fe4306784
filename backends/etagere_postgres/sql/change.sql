-- No value means the one that is there.
WITH gone AS (
    DELETE FROM {table} WHERE key = ANY ($1::text[])
)
UPDATE {table} AS held
SET
    value = coalesce(wanted.value, held.value),
    etag = wanted.etag,
    expires_at = timestamptz 'epoch' + wanted.expires_at * interval '1 millisecond'
FROM unnest($2::text[], $3::bytea[], $4::text[], $5::bigint[])
    AS wanted (key, value, etag, expires_at)
WHERE held.key = wanted.key
