-- Without the rights to see the state of replication there is still a row for each standby.
SELECT
    pg_is_in_recovery() AS in_recovery,
    current_setting('server_version_num')::integer AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('synchronous_standby_names') AS synchronous,
    current_setting('synchronous_commit') AS commit,
    (
        SELECT count(*)
        FROM pg_stat_replication
        WHERE state IS DISTINCT FROM 'backup' AND application_name <> 'pg_basebackup'
    ) AS attached
