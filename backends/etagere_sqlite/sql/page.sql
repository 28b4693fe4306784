-- Byte 0xFF is in no UTF-8 text: what ends with it sorts after every key with the same prefix.
SELECT key FROM {records}
WHERE key >= :start
    AND key < CAST(:prefix || x'FF' AS TEXT)
    AND (expires_at IS NULL OR expires_at > :now)
ORDER BY key
LIMIT :limit
