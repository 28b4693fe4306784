INSERT INTO {migrations} (store, version)
VALUES ($1, $2)
ON CONFLICT (store, version) DO UPDATE SET applied_at = now()
