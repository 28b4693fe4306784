-- The commonest condition that holds, in one statement. All else is for the contract to decide.
UPDATE {records} SET etag = ?, value = ? WHERE key = ? AND etag = ? AND expires_at IS NULL
