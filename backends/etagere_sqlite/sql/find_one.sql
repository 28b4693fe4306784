SELECT key, etag, expires_at FROM {records} WHERE key = ?
