DELETE FROM {records} WHERE key = ?
