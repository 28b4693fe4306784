from etagere.conformance import BackendConformance


class TestLmdb(BackendConformance):
    url = "lmdb:///tmp/etagere-lmdb-test"
