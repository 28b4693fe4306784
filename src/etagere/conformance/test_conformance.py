"""The second door: `pytest --pyargs etagere.conformance --etagere URL`."""

from etagere.conformance import BackendConformance


class TestConformance(BackendConformance):
    """All clauses, for the stores of the command line."""
