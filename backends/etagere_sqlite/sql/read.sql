-- The keys of a batch come as one JSON array: one statement, one snapshot, whatever their number.
SELECT held.key, held.value, held.etag, held.expires_at
FROM json_each(?) AS wanted
CROSS JOIN {records} AS held ON held.key = wanted.value
