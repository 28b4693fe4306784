UPDATE {records} SET expires_at = ? WHERE key = ?
