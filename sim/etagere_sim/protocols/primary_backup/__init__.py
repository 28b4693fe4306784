"""A primary and its backups, from asynchronous to fenced and elected by a majority.

The strong settings are Viewstamped Replication (Oki and Liskov, 1988; Liskov and Cowling, 2012) in
the form of Raft (Ongaro and Ousterhout, 2014). The weak ones take one rule of it away each.
"""

from etagere_sim.protocols.primary_backup.replication import PrimaryBackup

__all__ = ["PrimaryBackup"]
