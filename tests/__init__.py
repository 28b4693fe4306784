"""The tests of etagere. They start their own servers: see `tests.servers`."""
