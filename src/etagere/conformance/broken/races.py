"""Backends that do in two steps what must be one, and let others in between."""

from __future__ import annotations

from etagere import contract
from etagere.conformance.broken.sound import Sound, pause
from etagere.operations import ABSENT, ANYTHING, Operation, Outcome, Read, Record, Remove, Write


class CheckThenAct(Sound):
    """Checks the precondition of some operations, and later acts without checking again."""

    def _is_racy(self, operation: Write | Remove) -> bool:
        raise NotImplementedError

    async def _perform(self, operation: Operation) -> Outcome:
        if not isinstance(operation, Write | Remove) or not self._is_racy(operation):
            return await super()._perform(operation)
        after, outcome = contract.apply(self._find(operation.key), operation, self._now())
        await pause()
        if isinstance(outcome, bool):
            self._put(operation.key, after)
        return outcome


class RacyCheckThenAct(CheckThenAct):
    """Looks whether the etag matches, and later writes without looking again."""

    def _is_racy(self, operation: Write | Remove) -> bool:
        return isinstance(operation, Write) and bool(operation.expected)


class RacyCreate(CheckThenAct):
    """Looks whether the key is absent, and later creates it without looking again."""

    def _is_racy(self, operation: Write | Remove) -> bool:
        return isinstance(operation, Write) and operation.expected == ABSENT


class RacyDelete(CheckThenAct):
    """Looks whether the etag matches, and later deletes without looking again."""

    def _is_racy(self, operation: Write | Remove) -> bool:
        return isinstance(operation, Remove) and bool(operation.expected)


class TornRead(Sound):
    """Reads the value first and its etag later."""

    async def _perform(self, operation: Operation) -> Outcome:
        first = await super()._perform(operation)
        if not isinstance(operation, Read) or not isinstance(first, Record):
            return first
        await pause()
        second = self._find(operation.key)
        return Record(first.value, second.etag, second.expires_at) if second else first


class SendsTwice(Sound):
    """Sends a plain write a second time before it looks for the answer to the first."""

    async def _perform(self, operation: Operation) -> Outcome:
        outcome = await super()._perform(operation)
        if isinstance(operation, Write) and operation.expected is ANYTHING:
            await pause()
            await super()._perform(operation)
        return outcome
