"""Layers: a backend in, a backend out."""

from etagere.layers.base import Layer
from etagere.layers.prefix import KeyPrefix

__all__ = ["KeyPrefix", "Layer"]
