SELECT key
FROM {table}
WHERE key > $1 AND key >= $2 AND key < $3
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
ORDER BY key
LIMIT $4
