"""Real servers for tests, demos and benchmarks, on 127.0.0.1 only.

`valkey`, `valkey_cluster`, `valkey_sentinel` and `postgres` return servers to start with `with` or
`async with`; `tcp_proxy` stands in front of one and misbehaves on demand. A server can be killed,
frozen and restarted on the same port. Nothing outlives the process that started it.
"""

from etagere.conformance.flows import Flow
from etagere.conformance.proxy import TcpProxy, tcp_proxy, threaded_proxy
from tests.servers.postgres import PostgresServer, Standby, postgres
from tests.servers.postgres_tools import postgres_binaries
from tests.servers.processes import (
    Server,
    ServerFailed,
    ServerUnavailable,
    Service,
    free_port,
    wait_until,
)
from tests.servers.valkey import Replica, ValkeyServer, redis_binaries, valkey
from tests.servers.valkey_groups import (
    Sentinel,
    ValkeyCluster,
    ValkeySentinel,
    valkey_cluster,
    valkey_sentinel,
)

__all__ = [
    "Flow",
    "PostgresServer",
    "Replica",
    "Sentinel",
    "Server",
    "ServerFailed",
    "ServerUnavailable",
    "Service",
    "Standby",
    "TcpProxy",
    "ValkeyCluster",
    "ValkeySentinel",
    "ValkeyServer",
    "free_port",
    "postgres",
    "postgres_binaries",
    "redis_binaries",
    "tcp_proxy",
    "threaded_proxy",
    "valkey",
    "valkey_cluster",
    "valkey_sentinel",
    "wait_until",
]
