"""What a `sim://` URL says, and what it is told when it makes no sense."""

from __future__ import annotations

import pytest

import etagere
from etagere import ConfigurationError, Feature
from etagere_sim import SimBackend
from etagere_sim.settings import Settings


def test_settings_are_taken() -> None:
    url = "sim://shop?protocol=caspaxos&n=5&latency=exp:0.1,0.5&seed=7&chaos=light&pace=fast&idle=2"
    settings = Settings.from_url(url)
    assert settings.name == "shop"
    assert settings.cluster.replication.replicas == ("r1", "r2", "r3", "r4", "r5")
    assert settings.cluster.seed == 7
    assert (settings.chaos, settings.pace, settings.idle) == ("light", "fast", 2000.0)


def test_what_is_left_out_is_calm_and_real() -> None:
    settings = Settings.from_url("sim://")
    assert settings.cluster.replication.replicas == ("r1",)
    assert (settings.name, settings.chaos, settings.pace, settings.idle) == ("", "off", "real", 0.0)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("protocol=raft", "protocol='raft' .* one of single, dynamo"),
        ("protocol=caspaxos&n=0", "n='0' .* whole number from 1"),
        ("protocol=dynamo&n=3&r=4", "r=4 asks for more replicas than the 3"),
        ("protocol=dynamo&n=3&w=4", "w=4 asks for more replicas than the 3"),
        ("protocol=quorum_regular&n=3&r=1&w=2", "more than n together"),
        ("protocol=single&n=3", "unknown settings: 'n'"),
        ("latency=lnkd-disc", "neither a model nor a file .* lnkd-ssd"),
        ("latency=exp:1", "after exp: come two rates"),
        ("seed=x", "seed='x' .* whole number"),
        ("chaos=some", "chaos='some' .* one of off, light, all"),
        ("pace=slow", "pace='slow' .* one of real, fast"),
        ("idle=-1", "idle='-1' .* seconds"),
        ("protocl=single", "unknown settings: 'protocl'; known are: chaos"),
    ],
)
def test_nonsense_is_refused(query: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SimBackend.from_url(f"sim://?{query}")


@pytest.mark.parametrize("url", ["sim:///path?protocol=single", "sim://?protocol=single#part"])
def test_a_url_has_no_path(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sim://NAME"):
        SimBackend.from_url(url)


def test_the_scheme_is_installed_and_capabilities_are_those_of_the_protocol() -> None:
    strong = etagere.open("sim://?protocol=caspaxos").capabilities
    weak = etagere.open("sim://?protocol=dynamo&r=1&w=1").capabilities
    assert strong.strong
    assert not weak.strong
    assert Feature.DURABLE not in strong.features() | weak.features()
