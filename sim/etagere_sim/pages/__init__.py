"""Runs as pages: who said what to whom, when, and what everybody knew by then."""

from etagere_sim.pages.composing import compose
from etagere_sim.pages.page import page
from etagere_sim.pages.recording import Recording, record

__all__ = ["Recording", "compose", "page", "record"]
