-- Lock every key until the transaction ends. What is there is locked and left as it is (the update
-- never happens); what is absent is held by a row that has expired already.
INSERT INTO {table} AS held (key, value, etag, expires_at)
SELECT key, '', '', 'epoch'
FROM unnest($1::text::text[]) AS wanted (key)
ON CONFLICT (key) DO UPDATE SET etag = held.etag WHERE false
