-- A whole batch in one statement, for all of which the thread lets the interpreter go. LIMIT, the
-- last parameter but one, leaves out the rows that are only there to fill the statement up. The
-- others take effect in order, two on one key too.
--
-- A write that was not looked up is in place already if its etag is, unless that record has expired
-- by now, the last parameter. For a record that the contract decided on it is the end of time.
INSERT INTO {records} (key, etag, expires_at, value)
SELECT column1, column2, nullif(column3, 0), column4 FROM (VALUES {rows}) LIMIT ?
ON CONFLICT (key) DO UPDATE
SET etag = excluded.etag, expires_at = excluded.expires_at, value = excluded.value
WHERE {records}.etag <> excluded.etag
    OR ifnull({records}.expires_at, 9223372036854775807) <= ?
