"""Valkey and Redis servers as a cluster, and under Sentinel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.servers.processes import Service, wait_until
from tests.servers.valkey import Replica, ValkeyServer, valkey

SLOTS = 16384
SENTINEL_SERVICE = "mymaster"


class ValkeyCluster(Service):
    """Primaries that share the hash slots, without replicas."""

    def __init__(self, nodes: Sequence[ValkeyServer]) -> None:
        self.nodes = list(nodes)

    @property
    def addresses(self) -> str:
        """Every node as `host:port`, with commas."""
        return ",".join(node.address for node in self.nodes)

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.addresses}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        self._share_slots()
        first = self.nodes[0]
        for node in self.nodes[1:]:
            first.call("CLUSTER", "MEET", node.host, node.port)
        for node in self.nodes:
            wait_until(lambda node=node: self._agrees(node), f"{node.name} to join the cluster")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def _share_slots(self) -> None:
        bounds = [SLOTS * i // len(self.nodes) for i in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.call("CLUSTER", "ADDSLOTS", *range(bounds[number], bounds[number + 1]))

    def _agrees(self, node: ValkeyServer) -> bool:
        info = node.call("CLUSTER INFO")
        known, state = int(info["cluster_known_nodes"]), info["cluster_state"]
        return state == "ok" and known == len(self.nodes)


def valkey_cluster(
    size: int = 3, *, appendonly: bool = False, password: str = "", binary: Path | None = None
) -> ValkeyCluster:
    """Return a cluster of so many primaries to start with `with` or `async with`."""
    settings = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
    nodes = [
        ValkeyServer(
            name=f"node{number}",
            appendonly=appendonly,
            password=password,
            settings=settings,
            binary=binary,
        )
        for number in range(1, size + 1)
    ]
    return ValkeyCluster(nodes)


# --- Sentinel ---------------------------------------------------------------------------------


class Sentinel(ValkeyServer):
    """A Sentinel that watches a primary; Sentinels of one primary find each other."""

    def __init__(self, primary: ValkeyServer, *, name: str, quorum: int, down_after: float) -> None:
        super().__init__(name=name, binary=primary.binary)
        self.primary = primary
        self._quorum = quorum
        self._down_after = round(down_after * 1000)

    def prepare(self) -> None:
        watched, service = self.primary, SENTINEL_SERVICE
        lines = [
            f"sentinel monitor {service} {watched.host} {watched.port} {self._quorum}",
            f"sentinel down-after-milliseconds {service} {self._down_after}",
            f"sentinel failover-timeout {service} 2000",
        ]
        if watched.password:
            lines.append(f"sentinel auth-pass {service} {watched.password}")
        self._file.write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str | Path]:
        # Sentinel writes what it learns into its file, and reads it again after a restart.
        own = ["--bind", self.host, "--port", str(self.port), "--dir", str(self.directory)]
        return [self.binary, self._file, "--sentinel", *own, "--unixsocket", str(self.socket)]

    def knows(self, replicas: int, sentinels: int) -> bool:
        """Tell whether it has found all replicas and all other Sentinels."""
        found = self.call("SENTINEL", "REPLICAS", SENTINEL_SERVICE)
        others = self.call("SENTINEL", "SENTINELS", SENTINEL_SERVICE)
        return len(found) == replicas and len(others) == sentinels - 1

    def primary_address(self) -> tuple[str, int]:
        """Return host and port of the primary as this Sentinel sees it now."""
        host, port = self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SENTINEL_SERVICE)
        return host, int(port)

    @property
    def _file(self) -> Path:
        return self.directory / "sentinel.conf"


class ValkeySentinel(Service):
    """A primary with replicas, and the Sentinels that fail it over."""

    service = SENTINEL_SERVICE

    def __init__(self, primary: ValkeyServer, sentinels: Sequence[Sentinel]) -> None:
        self.primary = primary
        self.sentinels = list(sentinels)

    @property
    def replicas(self) -> list[Replica]:
        return self.primary.replicas

    @property
    def addresses(self) -> str:
        """Every Sentinel as `host:port`, with commas."""
        return ",".join(sentinel.address for sentinel in self.sentinels)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.addresses}/{self.service}"

    def start(self) -> None:
        self.primary.start()
        for sentinel in self.sentinels:
            sentinel.start()
        for sentinel in self.sentinels:
            wait_until(lambda s=sentinel: self._is_known_to(s), f"{sentinel.name} to look around")

    def stop(self) -> None:
        with ExitStack() as stack:
            stack.callback(self.primary.stop)
            for sentinel in self.sentinels:
                stack.callback(sentinel.stop)

    def _is_known_to(self, sentinel: Sentinel) -> bool:
        return sentinel.knows(len(self.replicas), len(self.sentinels))


def valkey_sentinel(
    sentinels: int = 1,
    *,
    replicas: int = 2,
    down_after: float = 0.5,
    appendonly: bool = False,
    password: str = "",
    binary: Path | None = None,
) -> ValkeySentinel:
    """Return a primary, its replicas and Sentinels, to start with `with` or `async with`.

    `down_after` is the time in seconds after which a Sentinel thinks that the primary is down.
    """
    primary = valkey(replicas, appendonly=appendonly, password=password, binary=binary)
    quorum = sentinels // 2 + 1
    watchers = [
        Sentinel(primary, name=f"sentinel{number}", quorum=quorum, down_after=down_after)
        for number in range(1, sentinels + 1)
    ]
    return ValkeySentinel(primary, watchers)
