"""Dynamo: quorums of N, R and W, and ways to repair what they miss (DeCandia et al., SOSP 2007)."""

from etagere_sim.protocols.dynamo.replication import Dynamo

__all__ = ["Dynamo"]
