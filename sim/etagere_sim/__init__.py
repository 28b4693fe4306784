"""Etagere on a simulated cluster of replicas: latencies, quorums, faults, and what becomes of them.

    sim://?protocol=dynamo&n=3&r=1&w=1&latency=lnkd-disk&seed=7     a cluster of this store's own
    sim://shop?protocol=caspaxos                                    one for all that name it "shop"

A cluster lives in the memory of one process, and as long as a store on it is open: a second store
by the same URL has another cluster, unless the URL gives it a name. Stores with one name meet
within one event loop, and their URLs must say the same. Each store is a client's host of its own.

Settings:

    protocol    single, dynamo, quorum_regular, abd, caspaxos, primary_backup    single
    latency     how long messages take: lnkd-ssd, lnkd-disk, ymmr, wan,          lnkd-disk
                exp:W,ARS (rates per ms), constant:MS, or a JSON file
    seed        of all that is random                                            0
    chaos       off, light (lost and late messages, cuts, pauses, slow           off
                hosts), or all (crashes, clocks and disks as well)
    pace        real: a message that takes 5 ms takes 5 ms; fast: no time is     real
                spent waiting, and time passes only while calls are under way
    idle        seconds that a call waits on its client before it is sent        0

Each protocol has settings of its own, `n`, the number of replicas, among them.

With `pace=real` a store can stand in for a slow, distant or faulty one behind an application. With
`pace=fast` a program that waits for nothing but its stores does the same every time, by the seed;
times to live pass on the cluster's time, and `idle=0.05` is what a pause of 50 ms between calls
would be. In the event loop of `etagere_sim.kernel.loop.simulate` there is no pace to choose: the
cluster, its clients and the program that uses them share one virtual time.
"""

from etagere_sim.backend import SimBackend

__all__ = ["SimBackend"]
