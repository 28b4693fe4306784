"""Stale reads of real replicas, beside what the simulator predicts from measured delays."""
