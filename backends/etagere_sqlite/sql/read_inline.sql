-- The length of a value is known from the start of its row: one that is too long is left alone.
SELECT CASE WHEN length(value) <= ?2 THEN value END, etag, expires_at FROM {records} WHERE key = ?1
