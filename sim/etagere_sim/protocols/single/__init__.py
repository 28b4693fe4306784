"""One copy behind the network: the baseline that replication is compared with.

What makes it reliable is exactly-once requests, after Lee et al., "Implementing linearizability at
large scale and low latency" (SOSP, 2015): the server keeps the outcome of each request together
with its effect, so that a request may be sent until it is answered.
"""

from etagere_sim.protocols.single.replication import Single

__all__ = ["Single"]
