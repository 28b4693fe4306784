"""The members of the enumerations as plain names.

Python 3.11 takes ten times as long to look a member up in its class, and a check does so for every
call.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from etagere.histories.history import Kind, Status
from etagere.operations import Consistency


class Needs(Enum):
    """What must be under a key for something to take place."""

    NOTHING_IN_PARTICULAR = 0
    ABSENT = 1
    PRESENT = 2


GET: Final = Kind.GET
SET: Final = Kind.SET
DELETE: Final = Kind.DELETE
TOUCH: Final = Kind.TOUCH
TRANSACTION: Final = Kind.TRANSACTION

OK: Final = Status.OK
MISMATCH: Final = Status.MISMATCH
INFO: Final = Status.INFO
FAIL: Final = Status.FAIL

EVENTUAL: Final = Consistency.EVENTUAL
STRONG: Final = Consistency.STRONG

NEEDS_ANYTHING: Final = Needs.NOTHING_IN_PARTICULAR
NEEDS_ABSENT: Final = Needs.ABSENT
NEEDS_PRESENT: Final = Needs.PRESENT
