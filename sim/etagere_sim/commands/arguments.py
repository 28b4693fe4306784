"""Options that the commands about campaigns share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping

import msgspec

from etagere.errors import InvalidArgument
from etagere_sim.campaigns.addresses import simulated, url_of
from etagere_sim.campaigns.campaign import CLIENTS, SCHEDULERS, Campaign, at_its_level
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols import PROTOCOLS
from etagere_sim.settings import USUAL_LATENCY

SETTINGS = ("n", "r", "w")


def add_campaign(parser: ArgumentParser) -> None:
    """Add what says which cluster is run, and under what."""
    add = parser.add_argument_group("cluster").add_argument
    add("--protocol", metavar="NAME", choices=PROTOCOLS, help=", ".join(PROTOCOLS))
    for name, meaning in zip(SETTINGS, ("replicas", "of a read", "of a write"), strict=True):
        what = "how many replicas" if name == "n" else f"the quorum {meaning}"
        add(f"--{name}", type=int, metavar="N", help=what)
    add(
        "--set",
        metavar="NAME=VALUE",
        type=setting,
        action="append",
        default=[],
        dest="settings",
        help="another setting of the protocol, as in its URL; repeatable",
    )
    add("--latency", metavar="MODEL", help=f"of messages, as in pbs (default: {USUAL_LATENCY})")
    add("--url", metavar="sim://...", help="all of that as a URL, instead")
    add = parser.add_argument_group("load and trouble").add_argument
    add(
        "--workload",
        metavar="NAME=NUMBER,...",
        type=workload,
        default={},
        help="clients, operations, keys, reads, conditional, deletes, eventual, pause",
    )
    add(
        "--faults",
        metavar="KINDS",
        default="all",
        help="none, light, all, or some of messages, cuts, holds, pauses, slow, crashes, disks,"
        " bits, clocks, retries, coordinators (default: all)",
    )
    add(
        "--scheduler",
        choices=SCHEDULERS,
        default="fifo",
        help="who goes first where several can (default: fifo)",
    )
    add(
        "--clients",
        choices=CLIENTS,
        default="bare",
        help="whether clients talk to the protocol itself or hold a Store (default: bare)",
    )


def campaign_of(arguments: Namespace) -> Campaign:
    """Return the campaign that a command line asks for. Raises where it makes no sense."""
    url = url_from(arguments)
    simulated(url)
    try:
        load = msgspec.convert(arguments.workload, Workload, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"--workload makes no sense: {error}") from error
    load.check()
    if "eventual" not in arguments.workload:
        load = at_its_level(url, load)
    return Campaign(
        url=url,
        workload=load,
        faults=kinds_of(arguments.faults),
        scheduler=arguments.scheduler,
        clients=arguments.clients,
    )


def url_from(arguments: Namespace) -> str:
    """Return the URL of the cluster that a command line names."""
    given = {name: getattr(arguments, name) for name in (*SETTINGS, "latency")}
    given |= dict(arguments.settings)
    if arguments.url is None:
        if arguments.protocol is None:
            raise InvalidArgument(f"which --protocol, or --url? There are {', '.join(PROTOCOLS)}")
        return url_of(arguments.protocol, given)
    if arguments.protocol is not None or any(value is not None for value in given.values()):
        raise InvalidArgument("--url says all of the cluster; put the other settings into it")
    url: str = arguments.url
    return url


def setting(text: str) -> tuple[str, str]:
    """Read NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not a setting: NAME=VALUE")
    return name, value


def workload(text: str) -> Mapping[str, float]:
    """Read NAME=NUMBER,..."""
    given = dict(setting(part) for part in text.split(",") if part)
    for name in given:
        if name not in Workload.__struct_fields__:
            known = ", ".join(Workload.__struct_fields__)
            raise ArgumentTypeError(f"a workload has no {name!r}; it has {known}")
    try:
        return {name: float(value) for name, value in given.items()}
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not NAME=NUMBER,...: {error}") from error


def count(text: str) -> int:
    """Read a number of things, with or without separators."""
    digits = text.replace("_", "").replace(",", "")
    if not digits.isdecimal() or int(digits) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(digits)


def seed(text: str) -> int:
    """Read a seed."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a seed: a whole number from 0")
    return int(text)


def workers(text: str) -> int | None:
    """Read a number of processes; None: as many as there are processors."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is neither auto nor a whole number above 0")
    return int(text)
