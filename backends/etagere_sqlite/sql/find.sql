SELECT held.key, held.etag, held.expires_at
FROM json_each(?) AS wanted
CROSS JOIN {records} AS held ON held.key = wanted.value
