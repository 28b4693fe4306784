"""Dapr's component files: stores defined in YAML, opened as `etagere.open` opens a URL.

    apiVersion: dapr.io/v1alpha1
    kind: Component
    metadata:
      name: statestore
    spec:
      type: state.sqlite
      version: v1
      metadata:
      - name: connectionString
        value: state.db

`state.sqlite`, `state.redis`, `state.postgresql` and `state.in-memory` take Dapr's own settings
and those of our URLs; any `state.*` takes a whole URL as its setting `url`. See docs/dapr.md.
"""

from etagere.components.component import Component, Surroundings
from etagere.components.loading import load, parse

__all__ = ["Component", "Surroundings", "load", "parse"]
