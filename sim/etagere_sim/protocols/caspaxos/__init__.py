"""CASPaxos: a register per key that the replicas agree on, changed by functions (Rystsov, 2018).

D. Rystsov, "CASPaxos: Replicated State Machines without logs", arXiv:1802.07000. Proposers are on
the clients' hosts, acceptors on the replicas; prepare and accept quorums may differ in size as long
as they meet (Howard, Malkhi and Spiegelman, "Flexible Paxos", 2016).
"""

from etagere_sim.protocols.caspaxos.membership import growing
from etagere_sim.protocols.caspaxos.replication import CasPaxos

__all__ = ["CasPaxos", "growing"]
