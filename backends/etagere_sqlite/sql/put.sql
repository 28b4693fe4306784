-- ?5 is NULL for a record that the contract decided on, knowing what is there. For a write that
-- was not looked up it is the time now: if its etag is in place already, so is the write.
INSERT INTO {records} (key, etag, expires_at, value) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (key) DO UPDATE
SET etag = excluded.etag, expires_at = excluded.expires_at, value = excluded.value
WHERE ?5 IS NULL OR {records}.etag <> excluded.etag OR {records}.expires_at <= ?5
