"""etagere on PostgreSQL 14 or newer, over asyncpg.

The URL is libpq's: `postgres://user:password@host:port/database?sslmode=verify-full`. Several
hosts, with commas, are a primary and its standbys in any order: the primary is found, also after a
failover. Settings of our own:

- `schema`, `table`: where the records are; by default table `etagere` on the search path.
- `standbys`: further hosts, as in `host:port,host:port`.
- `reads`: `standby` (default: eventual reads go to a standby, if the URL names more hosts than one)
  or `primary`.
- `acks`: how many standbys have to acknowledge a strong write; by default a majority, and 0 for
  none. The server's `synchronous_standby_names` has to ask for as many.
- `ack_timeout`: seconds (5) after which a strong write that is not acknowledged is `NotReplicated`.
- `connect_timeout`: seconds (2) after which a host that does not answer counts as down.
- `migrate`: `no` for a role that may not create or change tables.
- `pgbouncer`: `yes` behind a pooler that hands each transaction to another session.
"""

from etagere_postgres.backend import PostgresBackend

__all__ = ["PostgresBackend"]
