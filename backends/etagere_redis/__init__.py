"""Etagere on Redis 6.2 and later and on Valkey 8 and later: alone, replicated, or as a cluster.

    redis://host:6379/0                                     one server, database 0
    redis://user:password@host                              with a user of its ACL
    redis:///?unix_socket=/run/redis.sock                   over a Unix socket
    redis+sentinel://host1:26379,host2:26379/mymaster/0     whichever server Sentinel names
    redis+cluster://host1:6379,host2:6379                   a cluster, found through any node of it

`rediss://`, `rediss+sentinel://` and `rediss+cluster://` are the same over TLS. What a password
cannot hold in a URL is escaped: `%40` for `@`.

Settings, as in `redis://host/0?reads=replica&acks=2`:

    reads               where eventual reads go: primary, or replica                primary
    replicas            host:port,... of the replicas to read; else the primary
                        (or the cluster) is asked for them
    acks                replicas that must confirm a strong write        a majority with the primary
    ack_timeout         seconds within which they must                              1
    connect_timeout     seconds to try to connect                                   2
    reply_timeout       seconds of silence after which a connection is given up     5
    tls_ca              file of the certificate authorities to trust      those of the system
    tls_cert, tls_key   files of our own certificate and its key
    tls_verify          no: trust any certificate                                   yes
    sentinel_user, sentinel_password    for the Sentinels themselves

Each key is a hash with the fields `value`, `etag` and, if it expires, `expires`. Give etagere a
database, or a namespace, of its own: hashes of others under its keys are refused, but listed.

*Strong* means that a majority has the write in memory. It holds while the primary lives: a failover
can still lose it. Without replicas strong is refused; `acks=0` makes the primary's word enough.

An ACL must allow `evalsha script|load hmget hset hdel del exists pexpireat persist time ping`, for
strong also `wait role`, for listing `scan`, on a cluster `cluster|slots readonly asking`.
"""

from etagere_redis.backend import RedisBackend

__all__ = ["RedisBackend"]
