"""Redis's error replies as etagere's errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hiredis import ReplyError

from etagere.errors import (
    ConfigurationError,
    EtagereError,
    Interrupted,
    StoreFailed,
    Unavailable,
)
from etagere_redis.settings import Address
from etagere_redis.wire import Reply

# Nothing was done, and another time or another server may do it.
_NOT_NOW = {
    "LOADING": "it is still loading its data",
    "READONLY": "it is a replica, not the primary",
    "MASTERDOWN": "it is a replica that has lost its primary",
    "NOREPLICAS": "it has fewer replicas than its min-replicas-to-write",
    "BUSY": "it is busy with a script",
    "NOSCRIPT": "its scripts are flushed again and again",
    "CLUSTERDOWN": "its cluster is down",
    "TRYAGAIN": "the keys are moving to another node of its cluster",
    "MOVED": "the key is on another node of its cluster, which takes a redis+cluster:// URL",
    "ASK": "the key is moving to another node of its cluster",
    "max number of clients": "it has as many clients as its maxclients allows",
}
# Nothing was done.
_REFUSED = {
    "WRONGTYPE": "what is there is no record of etagere; use another key or another database",
    "OOM": "it is out of memory; raise its maxmemory, or let it evict",
    "MISCONF": "it cannot save to its disk; see its log",
}
_FORBIDDEN = {
    "NOPERM": "its ACL does not allow it; the etagere_redis package lists the commands it needs",
    "NOAUTH": "it asks for a password; put it in the URL, as in redis://user:password@host",
    "WRONGPASS": "the user or the password in the URL is wrong",
}
_ADVICE = _NOT_NOW | _REFUSED | _FORBIDDEN
# Redis 6.2 puts the place in the script before the code.
_CODE = re.compile(rf"(?:^|[ -])({'|'.join(_ADVICE)})\b")


def code_of(reply: Reply) -> str:
    """Return the code of an error reply, `ERR` if none that we know; "" for any other reply."""
    if not isinstance(reply, ReplyError):
        return ""
    found = _CODE.search(str(reply))
    return found[1] if found else "ERR"


def failure(
    reply: Exception, address: Address, key: str = "", *, in_script: bool = False
) -> EtagereError:
    """Return what a command's error reply is for etagere.

    Our script makes sure that what is known to be refused is refused before it has written
    anything; of other errors that come out of it nobody knows when they came.
    """
    code = code_of(reply)
    in_script = in_script or "user_script" in str(reply)
    subject = f"key {key!r}: " if key else ""
    advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
    kind: type[EtagereError] = StoreFailed
    if code in _NOT_NOW:
        kind = Unavailable
    elif in_script and code not in _REFUSED:
        kind = Interrupted
    error = kind(f"{subject}Redis at {address} refused{advice} ({reply})")
    error.__cause__ = reply
    return error


def refuse_errors(replies: Sequence[Reply], address: Address) -> None:
    """Raise the first error among replies of commands that change nothing."""
    for reply in replies:
        problem = reply.__cause__ if isinstance(reply, Interrupted) else reply
        if isinstance(problem, ReplyError):
            raise failure(problem, address)
        if isinstance(reply, Interrupted):
            raise Unavailable(str(reply)) from problem


def refuse_handshake(replies: Sequence[Reply], address: Address) -> None:
    """Raise the first error among replies to what a new connection begins with."""
    try:
        refuse_errors(replies, address)
    except StoreFailed as error:
        raise ConfigurationError(str(error)) from error.__cause__
