"""What a mutant is: one rule of a protocol broken, and the campaign that must find it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from msgspec import Struct

from etagere_sim.campaigns.campaign import Campaign, Scheduler
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload

USUAL: Final = Workload()


class Place(Struct, frozen=True):
    """Where something is put in place of what is there: in a module or in a class."""

    owner: Any
    name: str
    instead: Any


class Mutant(Struct, frozen=True, kw_only=True):
    """A protocol with one rule broken."""

    name: str
    protocol: str
    what: str
    """Which rule, in a sentence."""
    seen: str
    """Where such a fault was seen."""
    places: tuple[Place, ...]
    campaign: Campaign
    signs: tuple[str, ...] = ()
    """The problems that tell of it; none: any. A weak protocol has problems of its own."""

    @contextmanager
    def planted(self) -> Generator[None]:
        """Have the rule broken, in this process, for a while."""
        before = [(place, getattr(place.owner, place.name)) for place in self.places]
        try:
            for place in self.places:
                setattr(place.owner, place.name, place.instead)
            yield
        finally:
            for place, value in before:
                setattr(place.owner, place.name, value)

    def sign_in(self, problems: list[str]) -> str | None:
        """Return the first of the problems that tells of it."""
        return next((each for each in problems if not self.signs or each in self.signs), None)


def subclass(instead: type, *modules: Any) -> tuple[Place, ...]:
    """Return the places where a subclass is put in place of its class: in these modules."""
    return tuple(Place(module, instead.__bases__[0].__name__, instead) for module in modules)


def campaign(
    settings: str,
    faults: str = "all",
    workload: Workload = USUAL,
    scheduler: Scheduler = "fifo",
) -> Campaign:
    """Return a campaign on a protocol with settings."""
    url = f"sim://?protocol={settings}"
    return Campaign(url=url, faults=kinds_of(faults), workload=workload, scheduler=scheduler)
