"""What a `sim://` URL says."""

from __future__ import annotations

from typing import Final, Literal, Self, TypeAlias

from msgspec import Struct

from etagere.errors import ConfigurationError, InvalidArgument
from etagere.urls import Options
from etagere_sim.protocols import protocol_of
from etagere_sim.protocols.protocol import Replication
from etagere_sim.world.latency import Latency, latency_of

USUAL_LATENCY: Final = "lnkd-disk"
Chaos: TypeAlias = Literal["off", "light", "all"]
Pace: TypeAlias = Literal["real", "fast"]


class ClusterSettings(Struct, frozen=True, kw_only=True):
    """A protocol with its settings, the way between its hosts, and where its luck comes from."""

    replication: Replication
    latency: Latency
    seed: int

    @classmethod
    def from_options(cls, options: Options) -> Self:
        """Take them out of a URL. Raises `ConfigurationError` where they make no sense."""
        name = options.text("latency", USUAL_LATENCY)
        try:
            # How far apart sites are does not depend on how many there are.
            round_trip = latency_of(name).round_trip
            replication = protocol_of(options, round_trip)
            latency = latency_of(name, len(replication.replicas))
        except InvalidArgument as error:
            raise options.wrong(str(error)) from error
        return cls(replication=replication, latency=latency, seed=options.integer("seed", 0))


class Settings(Struct, frozen=True, kw_only=True):
    """Which cluster, and how a store is to use it."""

    url: str
    name: str
    """Of a cluster that is shared; empty: it is this store's own."""
    cluster: ClusterSettings
    chaos: Chaos
    pace: Pace
    idle: float
    """Milliseconds."""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the settings from a URL, without starting anything."""
        options = Options(url)
        if options.parts.path or options.parts.fragment:
            raise ConfigurationError(
                f"{url!r} is wrong: it is sim://?protocol=... for a cluster of the store's own, or"
                " sim://NAME?protocol=... for one that stores share"
            )
        settings = cls(
            url=url,
            name=options.parts.netloc,
            cluster=ClusterSettings.from_options(options),
            chaos=_chaos(options),
            pace="fast" if options.choice("pace", "real", "fast") == "fast" else "real",
            idle=1000.0 * options.seconds("idle", 0.0) if options.given("idle") else 0.0,
        )
        options.done()
        return settings


def _chaos(options: Options) -> Chaos:
    word = options.choice("chaos", "off", "light", "all")
    return "light" if word == "light" else "all" if word == "all" else "off"
