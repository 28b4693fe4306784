"""Registers that are only read and written, by quorums: what `quorum_regular` and `abd` share."""
