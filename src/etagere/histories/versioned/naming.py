"""Which version a client saw, by the etag and the value that it was told."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from operator import attrgetter

from etagere.histories.history import NEVER, Call
from etagere.histories.verdicts import Finding
from etagere.histories.versioned import messages
from etagere.histories.versioned.versions import Version
from etagere.histories.versioned.words import FAIL, INFO, MISMATCH, SET

ENOUGH_TO_GUESS = 8


class Names:
    """The versions of a key by etag and by value; what is read teaches what writers were not told.

    `findings` are proofs that something is wrong. `is_ambiguous` says that a call may have seen one
    of several versions, so that only a complete search can decide; `has_guesses` that an etag was
    given to one of several writes that may have made it.
    """

    def __init__(self) -> None:
        self.by_etag: dict[str, Version] = {}
        self.by_value: dict[str, Version] = {}
        """Without the values that were written more than once."""
        self.findings: list[Finding] = []
        self.foundlings: list[Version] = []
        """Versions of which only the etag is known: some unanswered write made each."""
        self.is_ambiguous = False
        self.has_guesses = False
        self._untold: list[Version] = []
        self._repeated: dict[str, list[Version]] = {}
        self.refused: list[Call] = []
        """The calls that had no effect, among others."""
        self._aborted: dict[str, Call] | None = None
        self._some_value_is_untold = False

    def enter(self, version: Version) -> None:
        """Take in a version with the value and the etag that its writer knows."""
        etag, value = version.etag, version.value
        if etag is None:
            insort(self._untold, version, key=attrgetter("start"))
        elif self.by_etag.setdefault(etag, version) is not version:
            self._enter_again(etag, version)
        if value is None:
            self._some_value_is_untold = True
        elif value in self._repeated:
            self._repeated[value].append(version)
        elif self.by_value.setdefault(value, version) is not version:
            self._repeated[value] = [self.by_value.pop(value), version]

    def enter_all(self, versions: Sequence[Version]) -> None:
        """Take in versions, at once where no two of all have a name in common, as is usual."""
        by_etag = {etag: version for version in versions if (etag := version.etag) is not None}
        by_value = {value: version for version in versions if (value := version.value) is not None}
        if (
            len(by_etag) == len(by_value) == len(versions)
            and by_etag.keys().isdisjoint(self.by_etag.keys())
            and by_value.keys().isdisjoint(self.by_value.keys())
            and by_value.keys().isdisjoint(self._repeated.keys())
        ):
            self.by_etag.update(by_etag)
            self.by_value.update(by_value)
        else:
            for version in versions:
                self.enter(version)

    def find(self, call: Call, etag: str | None, value: str | None) -> Version | None:
        """Return the version that `call` saw; None where that is wrong or cannot be told."""
        version = None if etag is None else self.by_etag.get(etag)
        if version is not None:
            return self._with_value(version, call, value)
        version = None if value is None else self.by_value.get(value)
        if version is not None:
            return self._with_etag(version, call, etag)
        if value is not None and value in self._repeated:
            return self._find_repeated(call, etag, self._repeated[value])
        return self._find_untold(call, etag, value)

    def _with_value(self, version: Version, call: Call, value: str | None) -> Version | None:
        if value is None or version.value == value:
            return version
        if version.value is not None:
            self.findings.append(messages.etag_reuse(version, call))
            return None
        other = self.by_value.get(value)
        if other is not None and other.etag is None:
            # The etag was taken for that of a write whose value nobody knew.
            self.is_ambiguous = True
            return None
        if other is not None:
            self.findings.append(messages.etag_value_mismatch(other, call))
            return None
        version.value = value
        self.by_value[value] = version
        return version

    def _with_etag(self, version: Version, call: Call, etag: str | None) -> Version | None:
        if etag is None or version.etag == etag:
            return version
        if version.etag is not None:
            self.findings.append(messages.etag_value_mismatch(version, call))
            return None
        self._teach(version, etag)
        return version

    def _teach(self, version: Version, etag: str) -> None:
        version.etag = etag
        self.by_etag[etag] = version

    def _find_repeated(
        self, call: Call, etag: str | None, candidates: list[Version]
    ) -> Version | None:
        if etag is not None:
            candidates = [version for version in candidates if version.etag is None]
            if not candidates:
                self.findings.append(messages.phantom_read(call))
                return None
            if len(candidates) == 1 and not self.has_guesses:
                self._teach(candidates[0], etag)
                return candidates[0]
        self.is_ambiguous = True
        return None

    def _find_untold(self, call: Call, etag: str | None, value: str | None) -> Version | None:
        """Look among the writes whose etag nobody knows yet."""
        aborted = self._find_aborted(value) or self._find_aborted(etag)
        if aborted is not None:
            self.findings.append(messages.aborted_read(aborted, call))
            return None
        if value is not None:
            if self._some_value_is_untold:
                self.is_ambiguous = True
            else:
                self.findings.append(messages.phantom_read(call))
            return None
        candidates = self._candidates(call)
        if not candidates or etag is None:
            self.findings.append(messages.phantom_read(call))
            return None
        if all(map(_may_be_anyones, self._untold)):
            return self._adopt(call, etag)
        version = candidates[0]
        if len(candidates) > 1 or self.has_guesses:
            # A write that took place, and not long ago, is the better guess.
            certain = (each for each in candidates if not each.is_optional)
            version = next((each for each in certain if _ends(each) >= call.start), version)
            version.is_guess = self.has_guesses = True
        self._teach(version, etag)
        return version

    def _adopt(self, call: Call, etag: str) -> Version:
        """Return a version of its own for an etag that some unanswered write must have made.

        Which one can wait until the order is known.
        """
        earliest = self._untold[0].write
        assert earliest is not None  # noqa: S101
        start, client = earliest.start, earliest.client
        write = Call(kind=SET, start=start, status=INFO, client=client, key=call.key, etag=etag)
        version = Version(write, start, NEVER)
        version.etag = etag
        self.by_etag[etag] = version
        self.foundlings.append(version)
        return version

    def _find_aborted(self, name: str | None) -> Call | None:
        """Return the set of a value or an etag that was answered with a mismatch or a failure."""
        if self._aborted is None:
            self._aborted = {}
            for call in self.refused:
                if call.kind is SET and (call.status is MISMATCH or call.status is FAIL):
                    for known in (call.value, call.etag):
                        if known is not None and known != call.actual:
                            self._aborted[known] = call
        return None if name is None else self._aborted.get(name)

    def _candidates(self, call: Call) -> list[Version]:
        """Return some writes of untold etag that began before the end of a call, latest first."""
        found: list[Version] = []
        index = bisect_right(self._untold, call.finish, key=lambda version: version.start)
        while index > 0 and len(found) < ENOUGH_TO_GUESS:
            index -= 1
            if self._untold[index].etag is None:
                found.append(self._untold[index])
            else:
                del self._untold[index]
        return found

    def _enter_again(self, etag: str, version: Version) -> None:
        other = self.by_etag[etag]
        if (
            (version.value is not None and version.value == other.value)
            or version.is_optional
            or other.is_optional
        ):
            self.is_ambiguous = True
        else:
            self.findings.append(messages.etag_reuse(other, version.write))


def _may_be_anyones(version: Version) -> bool:
    """Tell whether a write is unanswered and unseen, or its etag is known by now."""
    return version.etag is not None or (version.is_optional and version.reads is None)


def _ends(version: Version) -> int:
    return version.first if version.write is None else version.write.finish
