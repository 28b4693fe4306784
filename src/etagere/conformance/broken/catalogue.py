"""The table of the broken backends: what is wrong, where that was seen, what must fail."""

from __future__ import annotations

import inspect
import re
from typing import Final

from msgspec import Struct

from etagere.conformance.broken import (
    answers,
    bulk,
    cancellation,
    connections,
    consistency,
    etags,
    expiry,
    listing,
    preconditions,
    races,
    transactions,
    values,
)
from etagere.conformance.broken.sound import Sound
from etagere.errors import ConfigurationError
from etagere.layers.base import Layer

SEARCHES: Final = frozenset(
    {
        "ETG-FAULT-004",
        "ETG-RACE-003",
        "ETG-RACE-020",
        "ETG-RACE-021",
        "ETG-RACE-030",
        "ETG-FAULT-050",
        "ETG-FAULT-051",
        "ETG-FAULT-061",
    }
)
"""Clauses that search for a counterexample at random, or find one if the event loop's order happens
to show it: where a flaw does not name one of them, it may come upon the flaw all the same."""


class Flaw(Struct, frozen=True):
    """One way to be wrong."""

    backend: type[Sound] | type[Layer]
    """A layer is wrapped around a backend for a real database, whose connection can break."""
    seen: str
    """Where such a thing was seen, or would be; what stands in brackets is one of `SOURCES`."""
    fails: str
    """The clauses that fail, in short; every other passes: "CAS 2 3 TTL 9" are ETG-CAS-002 ..."""
    path: str = ""
    """Of the tests that are made by several paths, only those by this one fail."""

    @property
    def name(self) -> str:
        """What its URL names it."""
        return "-".join(re.findall("[A-Z][a-z0-9]*", self.backend.__name__)).lower()

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return inspect.getdoc(self.backend) or ""

    @property
    def clauses(self) -> frozenset[str]:
        """The ids of the clauses that fail."""
        ids: set[str] = set()
        family = ""
        for word in self.fails.split():
            if word.isdecimal():
                ids.add(f"ETG-{family}-{int(word):03}")
            else:
                family = word
        return frozenset(ids)


FLAWS: Final[tuple[Flaw, ...]] = (
    Flaw(
        races.RacyCheckThenAct,
        "SELECT, then UPDATE, at READ COMMITTED: 195 of 800 increments survive",
        "RACE 1 6 10",
    ),
    Flaw(races.RacyCreate, "SELECT, then INSERT OR REPLACE", "BULK 23 RACE 2 4 10"),
    Flaw(races.RacyDelete, "GET, then DEL", "RACE 3"),
    Flaw(races.TornRead, "two GETs of Redis where there should be one MGET", "RACE 10 11 12"),
    Flaw(races.SendsTwice, "a request that a network delivers twice", "RACE 21"),
    Flaw(
        preconditions.EtagCreates,
        "Dapr's Redis store",
        "BULK 7 13 CAS 3 5 RACE 3 TTL 31 TXN 5 23 25",
    ),
    Flaw(
        preconditions.FirstWriteOverwrites,
        "Dapr's Redis store",
        "CAS 11 21 RACE 2 4 10 REPL 12 TXN 5 22 24",
    ),
    Flaw(preconditions.StickyFirstWrite, "Dapr's Redis store", "BULK 4 CAS 22 24"),
    Flaw(
        preconditions.DeleteIgnoresFirstWrite,
        "Dapr's Redis, SQLite and PostgreSQL stores",
        "CAS 34 TXN 22",
    ),
    Flaw(
        preconditions.DeleteIgnoresEtag,
        "a DELETE whose WHERE names only the key",
        "BULK 6 CAS 31 35 36 41 STRONG 4 TXN 21",
    ),
    Flaw(
        preconditions.ConditionalDeleteOfNothing,
        "Dapr's Redis store",
        "CAS 32 RACE 3 TTL 32 39 TXN 5 23",
    ),
    Flaw(
        preconditions.TouchIgnoresEtag, "EXPIRE of Redis, which knows no such condition", "TTL 22"
    ),
    Flaw(preconditions.ZeroMatchesAll, "Dapr's Redis store", "CAS 4 5 36"),
    Flaw(preconditions.ExpiredStillMatches, "Dapr's in-memory store, for up to a second", "TTL 31"),
    Flaw(
        preconditions.EtagsIgnoredInBulk,
        "an option that is declared for all writes and dropped on one path",
        "BULK 4 5 6 7 13 CAS 2 3 4 5 6 7 8 9 10 21 24 31 32 34 35 36 41 RACE 6 REPL 12 "
        "STRONG 4 TTL 9 31 32",
        path="bulk",
    ),
    Flaw(
        preconditions.EtagsIgnoredInLargeBatches,
        "a driver that turns to a bulk load when there is much to write",
        "BULK 13",
    ),
    Flaw(
        preconditions.EtagsIgnoredInTransactions,
        "Dapr's Redis store",
        "CAS 2 3 4 5 6 7 8 9 10 21 24 31 32 34 35 36 41 RACE 5 6 11 REPL 12 STRONG 4 TTL "
        "9 31 32 39 TXN 5 20 21 22 23 24 25 26",
        path="transaction",
    ),
    Flaw(preconditions.TransactionSeesOldEtags, "Dapr's in-memory store", "TXN 4 5"),
    Flaw(
        etags.CounterEtags,
        "Dapr's Redis store; xmin in its PostgreSQL store v1",
        "CAS 1 20 40 CORE 2 21 22 FAULT 2 40 REPL 1 10 11 STRONG 1 4 7 TTL 6 34 35 39 TXN "
        "1 2 3 4 11",
        path="transaction",
    ),
    Flaw(etags.VersionsRestart, "Dapr's Redis store", "CAS 7 41"),
    Flaw(etags.ComparesValues, "SET with [IFEQ], of Valkey and Redis", "CAS 7 41"),
    Flaw(etags.EtagsFoldCase, "the default of [MySQL's collation]", "CAS 4 36 TTL 22"),
    Flaw(
        etags.ForeignEtagRefused,
        "Dapr's Redis store and its PostgreSQL store v1",
        "BULK 4 5 6 7 13 21 CAS 3 4 5 6 10 32 35 36 TTL 9 22 TXN 20 21 25 26",
    ),
    Flaw(
        etags.TouchChangesEtag,
        "xmin of PostgreSQL as an etag: every UPDATE changes it",
        "TTL 20 22 23",
    ),
    Flaw(
        answers.ConflictWithoutActual,
        "Dapr's stores, whose errors have no place for it",
        "BULK 4 5 6 7 13 21 23 CAS 2 4 6 7 8 9 10 21 24 31 34 35 36 41 REPL 12 STRONG 4 "
        "TTL 9 22 TXN 6 20 21 22 24 26",
    ),
    Flaw(
        answers.ConflictWithOwnEtag,
        "an upsert that returns what it was given",
        "BULK 4 5 7 13 21 23 CAS 2 4 6 7 8 9 10 21 24 41 REPL 12 STRONG 4 TTL 9 TXN 6 20 22 24 26",
    ),
    Flaw(
        answers.ConflictWithoutIndex,
        "Dapr's transactions, whose errors name no operation",
        "TTL 39 TXN 5 20 21 22 23 24 26",
    ),
    Flaw(
        answers.FirstWriteConflictIsFailure,
        "Dapr's PostgreSQL stores: an error 500",
        "BULK 4 23 CAS 11 21 24 RACE 2 4 10 REPL 12 STRONG 4 TXN 5 22 24",
    ),
    Flaw(
        answers.DeleteSaysTrue,
        "an HTTP 204 for every delete",
        "BULK 3 22 CAS 33 34 CORE 20 TTL 33 39 TXN 1 3",
    ),
    Flaw(answers.TouchSaysTrue, "EXPIRE, and nobody looks at its reply", "TTL 21 36"),
    Flaw(
        answers.ConflictWithItself,
        "redis-py 8 and go-redis, which retry a compare-and-set whose answer is lost",
        "CAS 44 FAULT 1 2 TXN 11",
    ),
    Flaw(
        transactions.NoRollback,
        "a script of Redis that fails midway",
        "RACE 11 TTL 39 TXN 5 20 21 22 23 25 26",
    ),
    Flaw(
        transactions.ConflictSkipsOne,
        "Dapr's Redis store: MULTI, in which only the failed command has no effect",
        "RACE 11 TTL 39 TXN 5 20 21 22 23 25 26",
    ),
    Flaw(
        transactions.HalfApplied, "one statement after the other, and no BEGIN", "FAULT 40 RACE 11"
    ),
    Flaw(
        transactions.DeletesLast,
        "an API that takes a list of sets and a list of deletes",
        "TTL 39 TXN 3 4 5",
    ),
    Flaw(
        bulk.BulkOutOfOrder,
        "[BatchGetItem] of DynamoDB, which returns items in no particular order",
        "BULK 2 3 CAS 2 3 4 5 6 7 8 9 10 21 23 24 30 31 32 34 35 36 41 CORE 10 20 FAULT "
        "42 RACE 6 REPL 12 STRONG 2 4 TTL 9 31 32",
    ),
    Flaw(bulk.BulkStopsAtConflict, "the ordered bulk writes of [MongoDB]", "BULK 4 5 6 7 13"),
    Flaw(bulk.BulkCollapsesDuplicates, "one statement for all keys, or a dict by key", "BULK 3 4"),
    Flaw(
        bulk.BulkReordersDuplicates,
        "Dapr's default for bulk calls: each item in a goroutine of its own",
        "BULK 3 4 10",
    ),
    Flaw(bulk.BulkAllOrNothing, "all items in one SQL transaction", "BULK 4 5 6 13"),
    Flaw(
        bulk.BulkReadIsCut,
        "[BatchGetItem] of DynamoDB, which takes 100 keys",
        "BULK 9 13 FAULT 42 LIST 31",
    ),
    Flaw(expiry.TtlInClientTime, "EXPIREAT of Redis with the time of the client", "TTL 13"),
    Flaw(expiry.TtlInSecondStep, "Dapr's Redis store", "TTL 10"),
    Flaw(expiry.TtlInTenths, "Dapr's SQLite store, which reckons in seconds", "TTL 3"),
    Flaw(expiry.TtlOverflows, "[memcached], which takes more than 30 days for a date", "TTL 11"),
    Flaw(
        expiry.TtlIgnored,
        "an option that a store accepts and does not know",
        "RACE 4 TTL 1 2 3 4 5 10 11 13 14 20 24 30 31 32 33 34 35 36 37 38 39 40",
    ),
    Flaw(
        expiry.TtlIgnoredInBulk,
        "an option that is declared for all writes and dropped on one path",
        "TTL 1 2 3 4 10 11 13 14 38",
        path="bulk",
    ),
    Flaw(
        expiry.TtlIgnoredInTransactions,
        "an option that is declared for all writes and dropped on one path",
        "TTL 1 2 3 4 10 11 13 40",
        path="transaction",
    ),
    Flaw(expiry.UpdateKeepsTtl, "Dapr's Redis store: HSET", "TTL 5 8 40"),
    Flaw(expiry.KeepForgets, "SET of Redis without KEEPTTL", "TTL 6 8 40"),
    Flaw(expiry.KeepStartsAnew, "the sliding expiration of caches", "TTL 6"),
    Flaw(expiry.TouchCannotPersist, "EXPIRE where PERSIST is needed", "TTL 20 22"),
    Flaw(expiry.ExpiryNotTold, "Dapr's Redis store", "TTL 2 3 4 5 10 11 13 14 20 40"),
    Flaw(expiry.ExpiredCanBeDeleted, "Dapr's SQLite and PostgreSQL stores", "TTL 33"),
    Flaw(values.ValuesAsText, "redis-py with `decode_responses`", "BULK 11 CORE 4 5 6"),
    Flaw(
        values.TrailingZerosCut,
        "a client that takes the padding of a BINARY column away again",
        "CORE 4",
    ),
    Flaw(values.ValuesTruncated, "[MySQL's BINARY] outside of strict mode", "BULK 11 CORE 5 6"),
    Flaw(
        values.EmptyValueIsNone,
        "[Oracle], where an empty text is NULL",
        "BULK 23 CORE 4 TTL 2 3 4 11 13 14 40",
    ),
    Flaw(values.KeysFoldCase, "the default of [MySQL's collation]", "CORE 10 11 LIST 1 3 6 11 20"),
    Flaw(values.KeysNormalised, "the file names of [HFS+]", "CORE 10 11 LIST 1 6 11 20"),
    Flaw(
        values.KeysTruncated, "VARCHAR(255), like [MySQL's CHAR], outside of strict mode", "CORE 12"
    ),
    Flaw(values.TrailingBlanksCut, "[MySQL's CHAR]", "CORE 11 LIST 2"),
    Flaw(
        listing.FirstPageOnly,
        "a listing of [S3] without a look at `IsTruncated`",
        "FAULT 45 LIST 5 7 21 22 30 31 STRONG 3",
    ),
    Flaw(listing.Unordered, "Dapr's in-memory store", "LIST 1 2 3 4 5 6 7 8 11 20 21 22 30 31"),
    Flaw(listing.Utf16Order, "the strings of Java and JavaScript", "LIST 1 6 11 20"),
    Flaw(listing.ListsExpired, "Dapr's in-memory store", "TTL 38"),
    Flaw(listing.PrefixIsPattern, "LIKE without ESCAPE", "LIST 2"),
    Flaw(listing.OffsetPaging, "Dapr's Redis store; LIMIT with OFFSET", "LIST 21"),
    Flaw(cancellation.CancellationSwallowed, "[redis-py 2028]", "FAULT 40 42 43 44"),
    Flaw(
        cancellation.CancelledWriteHalfDone,
        "two round trips, and the caller hangs up in between",
        "FAULT 40",
    ),
    Flaw(cancellation.RepliesMixedUp, "[redis-py 2624] and again [redis-py 2665]", "FAULT 41 43"),
    Flaw(cancellation.ConnectionsLeak, "[redis-py 4123]", "FAULT 40 41 42 43 44"),
    Flaw(
        consistency.StrongReadFromReplica,
        "a standby of PostgreSQL: 8 of 300 reads, though `remote_apply` was on",
        "FAULT 65 REPL 10 12",
    ),
    Flaw(consistency.CachesReads, "a cache in each client that nobody tells of writes", "REPL 1"),
    Flaw(
        consistency.SavedTooLate,
        "Redis with `appendfsync everysec`; SQLite with `synchronous=OFF`",
        "STRONG 7 FAULT 60",
    ),
    Flaw(
        consistency.LostOnClose,
        "an SQL connection that is closed without COMMIT",
        "CAS 9 CORE 22 23",
    ),
    Flaw(
        consistency.WaitElsewhere,
        "Dapr's Redis store: WAIT on another connection",
        "STRONG 7 FAULT 60",
    ),
    Flaw(connections.ErrorsAreConflicts, "Dapr's Redis store", "FAULT 10 11 14 15 20"),
    Flaw(
        connections.LostReplyIsNotApplied,
        "a driver with one error for all that can happen",
        "FAULT 11 12 14",
    ),
    Flaw(
        connections.RetriesBlindly,
        "redis-py 8 ten times, go-redis three times; [redis-rb 953]",
        "FAULT 11 12 14",
    ),
    Flaw(
        connections.NeverReconnects,
        "a connection that is made once, at the start",
        "FAULT 10 11 12 13 20 21 22",
    ),
)
_BY_NAME: Final = {flaw.name: flaw for flaw in FLAWS}


def flaw_of(name: str) -> Flaw:
    """Return the flaw of this name, or say which names there are."""
    if name not in _BY_NAME:
        raise ConfigurationError(
            f"there is no broken backend {name!r}; there are {', '.join(_BY_NAME)}"
        )
    return _BY_NAME[name]
