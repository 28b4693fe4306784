"""The checker of versioned keys: gets, sets, deletes, touches and transactions with etags.

`check_versioned` decides for each key whether its calls are linearizable: whether there is an order
of them, each between its start and its finish, that a store would have answered like this. A yes
comes with that order, which `verify` checks on its own; a no with findings that name the calls.

How it is done:

1. The calls are sorted by the version that they wrote or saw (`clusters`, `naming`): values have an
   identity, so a read names its write, and teaches the etag of a write whose answer was lost.
2. A conditional write follows immediately on the version that it consumed, so versions form chains
   whose inner order is forced (`chains`).
3. One pass through time puts the chains in an order, and finds each observation that fits several
   versions (a mismatch, an absent read) its place (`weaving`, `orders`, `supply`). A delete is a
   write of an absent version. The order is the certificate, once unanswered writes are found that
   may have made the etags that nobody is known to have written (`adoption`).
4. Where that gets stuck, chains whose times exclude each other are a proof that there is no order
   (`zones`). Otherwise a window around the trouble is searched completely (`windows`,
   `surroundings`, `mending`); only if no window decides, the whole key.

The first three steps take O(n log n) time.

What answers that leave something open are taken to mean:

================================================  =================================================
a get that was never answered                     says nothing
a write that was never answered, and that a       took effect, at any time after its start; if it
read or a successful conditional write shows      was conditional, right after what it expected
a write that was never answered or seen           may have taken effect, once, at any time after
                                                  its start; or not at all
a set that was answered without an etag           has the etag that reads of its value show
a mismatch                                        the precondition did not hold at some moment; if
                                                  the answer tells the etag that was there, it is
                                                  a read of that version
a mismatch that may be that of a write's own      is to be recorded as never answered: a driver
second sending                                    that sends again may report its own success
a delete or touch that does not tell whether      fits both
there was a record
an etag of which no write is known                belongs to a write whose etag nobody was told,
                                                  if one began early enough; else nobody wrote it
an eventual get                                   saw a version that was written before it ended
a set or touch with a time to live                the version may vanish at any time after
a transaction                                     is one call on each of its keys, with the first
                                                  precondition and the last effect there
a transaction that was a mismatch                 saw that the preconditions before the one that
                                                  conflicted held; nothing of those after it
a call that failed                                never happened
a client after a call that was never answered     is another client, since both may overlap
one etag for two values                           is a finding of its own, `etag_reuse`
one value identity of two writes                  they are told apart by their etags; without,
                                                  only a complete search can decide
================================================  =================================================
"""

from etagere.histories.versioned.certificate import verify
from etagere.histories.versioned.checking import check_key, check_versioned
from etagere.histories.versioned.projection import calls_by_key

__all__ = ["calls_by_key", "check_key", "check_versioned", "verify"]
