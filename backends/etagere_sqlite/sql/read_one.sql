-- For a batch of one key: taking a JSON array apart costs more than finding a record.
SELECT value, etag, expires_at FROM {records} WHERE key = ?
