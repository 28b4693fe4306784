DELETE FROM {records} WHERE rowid IN (
    SELECT rowid FROM {records} WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
)
