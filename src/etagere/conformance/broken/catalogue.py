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


class Flaw(Struct, frozen=True):
    """One way to be wrong."""

    backend: type[Sound] | type[Layer]
    """A layer is wrapped around a backend for a real database, whose connection can break."""
    seen: str
    """Where such a thing was seen, or would be."""
    clauses: tuple[str, ...]
    """The ids of the clauses that fail; every other passes."""

    @property
    def name(self) -> str:
        """What its URL names it."""
        return "-".join(re.findall("[A-Z][a-z0-9]*", self.backend.__name__)).lower()

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return inspect.getdoc(self.backend) or ""


FLAWS: Final[tuple[Flaw, ...]] = (
    Flaw(
        races.RacyCheckThenAct,
        "SELECT, then UPDATE, at READ COMMITTED: 195 of 800 increments survive",
        (),
    ),
    Flaw(races.RacyCreate, "SELECT, then INSERT OR REPLACE", ()),
    Flaw(races.RacyDelete, "GET, then DEL", ()),
    Flaw(races.TornRead, "two GETs of Redis where there should be one MGET", ()),
    Flaw(
        races.SendsTwice,
        "a request that a network delivers twice",
        (),
    ),
    Flaw(preconditions.EtagCreates, "Dapr's Redis store", ()),
    Flaw(preconditions.FirstWriteOverwrites, "Dapr's Redis store", ()),
    Flaw(preconditions.StickyFirstWrite, "Dapr's Redis store", ()),
    Flaw(preconditions.DeleteIgnoresFirstWrite, "Dapr's Redis, SQLite and PostgreSQL stores", ()),
    Flaw(preconditions.DeleteIgnoresEtag, "a DELETE whose WHERE names only the key", ()),
    Flaw(preconditions.ConditionalDeleteOfNothing, "Dapr's Redis store", ()),
    Flaw(preconditions.TouchIgnoresEtag, "EXPIRE of Redis, which knows no such condition", ()),
    Flaw(preconditions.ZeroMatchesAll, "Dapr's Redis store", ()),
    Flaw(preconditions.ExpiredStillMatches, "Dapr's in-memory store, for up to a second", ()),
    Flaw(
        preconditions.EtagsIgnoredInBulk,
        "an option that is declared for all writes and dropped on one path",
        (),
    ),
    Flaw(
        preconditions.EtagsIgnoredInLargeBatches,
        "a driver that turns to a bulk load when there is much to write",
        (),
    ),
    Flaw(preconditions.EtagsIgnoredInTransactions, "Dapr's Redis store", ()),
    Flaw(preconditions.TransactionSeesOldEtags, "Dapr's in-memory store", ()),
    Flaw(etags.CounterEtags, "Dapr's Redis store; xmin in its PostgreSQL store v1", ()),
    Flaw(etags.VersionsRestart, "Dapr's Redis store", ()),
    Flaw(etags.ComparesValues, "SET with IFEQ, of Valkey and Redis", ()),
    Flaw(etags.EtagsFoldCase, "the default collation of MySQL", ()),
    Flaw(etags.ForeignEtagRefused, "Dapr's Redis store and its PostgreSQL store v1", ()),
    Flaw(etags.TouchChangesEtag, "xmin of PostgreSQL as an etag: every UPDATE changes it", ()),
    Flaw(answers.ConflictWithoutActual, "Dapr's stores, whose errors have no place for it", ()),
    Flaw(answers.ConflictWithOwnEtag, "an upsert that returns what it was given", ()),
    Flaw(answers.ConflictWithoutIndex, "Dapr's transactions, whose errors name no operation", ()),
    Flaw(answers.FirstWriteConflictIsFailure, "Dapr's PostgreSQL stores: an error 500", ()),
    Flaw(answers.DeleteSaysTrue, "an HTTP 204 for every delete", ()),
    Flaw(answers.TouchSaysTrue, "EXPIRE, and nobody looks at its reply", ()),
    Flaw(
        answers.ConflictWithItself,
        "redis-py 8 and go-redis, which retry a compare-and-set whose answer is lost",
        (),
    ),
    Flaw(transactions.NoRollback, "a script of Redis that fails midway", ()),
    Flaw(
        transactions.ConflictSkipsOne,
        "Dapr's Redis store: MULTI, in which only the failed command has no effect",
        (),
    ),
    Flaw(transactions.HalfApplied, "one statement after the other, and no BEGIN", ()),
    Flaw(transactions.DeletesLast, "an API that takes a list of sets and a list of deletes", ()),
    Flaw(
        bulk.BulkOutOfOrder,
        "BatchGetItem of DynamoDB, which returns items in no particular order",
        (),
    ),
    Flaw(bulk.BulkStopsAtConflict, "the ordered bulk writes of MongoDB", ()),
    Flaw(bulk.BulkCollapsesDuplicates, "one statement for all keys, or a dict by key", ()),
    Flaw(
        bulk.BulkReordersDuplicates,
        "Dapr's default for bulk calls: each item in a goroutine of its own",
        (),
    ),
    Flaw(bulk.BulkAllOrNothing, "all items in one SQL transaction", ()),
    Flaw(bulk.BulkReadIsCut, "BatchGetItem of DynamoDB, which takes 100 keys", ()),
    Flaw(expiry.TtlInClientTime, "EXPIREAT of Redis with the time of the client", ()),
    Flaw(expiry.TtlInSecondStep, "Dapr's Redis store", ()),
    Flaw(expiry.TtlInTenths, "Dapr's SQLite store, which reckons in seconds", ()),
    Flaw(expiry.TtlOverflows, "memcached, which takes more than 30 days for a date", ()),
    Flaw(
        expiry.TtlIgnoredInBulk,
        "an option that is declared for all writes and dropped on one path",
        (),
    ),
    Flaw(
        expiry.TtlIgnoredInTransactions,
        "an option that is declared for all writes and dropped on one path",
        (),
    ),
    Flaw(expiry.UpdateKeepsTtl, "Dapr's Redis store: HSET", ()),
    Flaw(expiry.KeepForgets, "SET of Redis without KEEPTTL", ()),
    Flaw(expiry.KeepStartsAnew, "the sliding expiration of caches", ()),
    Flaw(expiry.TouchCannotPersist, "EXPIRE where PERSIST is needed", ()),
    Flaw(expiry.ExpiryNotTold, "Dapr's Redis store", ()),
    Flaw(expiry.ExpiredCanBeDeleted, "Dapr's SQLite and PostgreSQL stores", ()),
    Flaw(values.ValuesAsText, "redis-py with `decode_responses`", ()),
    Flaw(values.TrailingZerosCut, "BINARY columns", ()),
    Flaw(values.ValuesTruncated, "BLOB of MySQL outside of strict mode", ()),
    Flaw(values.EmptyValueIsNone, "Oracle, where an empty text is NULL", ()),
    Flaw(values.KeysFoldCase, "the default collation of MySQL", ()),
    Flaw(values.KeysNormalised, "the file names of HFS+", ()),
    Flaw(values.KeysTruncated, "VARCHAR(255) of MySQL outside of strict mode", ()),
    Flaw(values.TrailingBlanksCut, "CHAR columns", ()),
    Flaw(listing.FirstPageOnly, "a listing of S3 without a look at `IsTruncated`", ()),
    Flaw(listing.Unordered, "Dapr's in-memory store", ()),
    Flaw(listing.Utf16Order, "the strings of Java and JavaScript", ()),
    Flaw(listing.ListsExpired, "Dapr's in-memory store", ()),
    Flaw(listing.PrefixIsPattern, "LIKE without ESCAPE", ()),
    Flaw(listing.AfterIsRepeated, "`>=` for `>`", ()),
    Flaw(listing.OffsetPaging, "Dapr's Redis store; LIMIT with OFFSET", ()),
    Flaw(cancellation.CancellationSwallowed, "redis-py, issue 2028", ()),
    Flaw(
        cancellation.CancelledWriteHalfDone,
        "two round trips, and the caller hangs up in between",
        (),
    ),
    Flaw(cancellation.RepliesMixedUp, "redis-py, issues 2624 and 2665", ()),
    Flaw(cancellation.ConnectionsLeak, "redis-py, pull request 4123", ()),
    Flaw(
        consistency.StrongReadFromReplica,
        "a standby of PostgreSQL: 8 of 300 reads, though `remote_apply` was on",
        (),
    ),
    Flaw(consistency.CachesReads, "caches in clients that nobody invalidates", ()),
    Flaw(
        consistency.SavedTooLate,
        "Redis with `appendfsync everysec`; SQLite with `synchronous=OFF`",
        (),
    ),
    Flaw(consistency.LostOnClose, "an SQL connection that is closed without COMMIT", ()),
    Flaw(connections.ErrorsAreConflicts, "Dapr's Redis store", ()),
    Flaw(connections.LostReplyIsNotApplied, "a driver with one error for all that can happen", ()),
    Flaw(connections.RetriesBlindly, "redis-py 8 ten times, go-redis three times", ()),
    Flaw(connections.NeverReconnects, "a connection that is made once, at the start", ()),
    Flaw(connections.StrongIsIgnored, "Dapr's Redis store: WAIT on another connection", ()),
)
_BY_NAME: Final = {flaw.name: flaw for flaw in FLAWS}


def flaw_of(name: str) -> Flaw:
    """Return the flaw of this name, or say which names there are."""
    if name not in _BY_NAME:
        raise ConfigurationError(
            f"there is no broken backend {name!r}; there are {', '.join(_BY_NAME)}"
        )
    return _BY_NAME[name]
