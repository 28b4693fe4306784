-- One process at a time is enough: the others find the lock taken and go home.
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(1702125927, $1::text::regclass::oid::integer) AS is_ours
    FROM set_config('synchronous_commit', 'local', true)
),
expired AS MATERIALIZED (
    SELECT stale.key
    FROM turn, {table} AS stale
    WHERE turn.is_ours AND stale.expires_at <= now()
    ORDER BY stale.expires_at
    LIMIT $2
    FOR UPDATE OF stale SKIP LOCKED
)
DELETE FROM {table} AS held USING expired WHERE held.key = expired.key
