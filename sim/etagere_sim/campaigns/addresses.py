"""From a `sim://` URL to what is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode

from msgspec import Struct

from etagere.errors import ConfigurationError
from etagere.urls import Options
from etagere_sim.protocols.protocol import Replication
from etagere_sim.settings import ClusterSettings
from etagere_sim.world.latency import Latency


class Simulated(Struct, frozen=True):
    """What a URL names."""

    replication: Replication
    latency: Latency
    seed: int

    @property
    def level(self) -> str:
        """What the protocol claims, in a word."""
        return "strong" if self.replication.capabilities.strong else "eventual"


@lru_cache(maxsize=64)
def simulated(url: str) -> Simulated:
    """Return what a URL names. Raises `ConfigurationError` where it makes no sense."""
    options = Options(url)
    if options.parts.scheme != "sim":
        raise ConfigurationError(
            f"{url!r} is not simulated; write for example sim://?protocol=caspaxos"
        )
    cluster = ClusterSettings.from_options(options)
    options.done()
    return Simulated(cluster.replication, cluster.latency, cluster.seed)


def url_of(protocol: str, settings: Mapping[str, object]) -> str:
    """Return the URL of a protocol with settings; those that are None are left out."""
    given = {name: value for name, value in settings.items() if value is not None}
    return f"sim://?{urlencode({'protocol': protocol, **given}, safe=':,')}"
