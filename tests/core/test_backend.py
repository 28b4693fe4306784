"""What a backend author gets: `distinct_rounds`, and a protocol to be held to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from etagere import Backend
from etagere.backend import distinct_rounds
from etagere.memory import MemoryBackend
from etagere.operations import Operation, Read, Remove, Touch, Transaction, Write

keys = st.sampled_from("abc")
operations = st.one_of(
    st.builds(Read, keys),
    st.builds(Remove, keys),
    st.builds(lambda key: Write(key, b"", "e"), keys),
    st.builds(lambda key: Touch(key, None), keys),
    st.builds(lambda key: Transaction((Remove(key),)), keys),
)


@given(st.lists(operations, max_size=20))
@settings(deadline=None, derandomize=True)
def test_distinct_rounds(batch: list[Operation]) -> None:
    rounds = list(distinct_rounds(batch))
    assert sorted(position for turn in rounds for position in turn) == list(range(len(batch)))
    turn_of = {position: number for number, turn in enumerate(rounds) for position in turn}
    for turn in rounds:
        assert turn == sorted(turn)
        touched = [keys_of(batch[position]) for position in turn]
        assert len(set(touched)) == len(touched)
        if any(isinstance(batch[position], Transaction) for position in turn):
            assert len(turn) == 1
    for later in range(len(batch)):
        for earlier in range(later):
            ordered = Transaction in (type(batch[earlier]), type(batch[later]))
            if ordered or keys_of(batch[earlier]) == keys_of(batch[later]):
                assert turn_of[earlier] < turn_of[later]


def keys_of(operation: Operation) -> str:
    return operation.operations[0].key if isinstance(operation, Transaction) else operation.key


def test_as_few_rounds_as_a_key_repeats() -> None:
    batch: list[Operation] = [Read(key) for key in "abacab"]
    assert list(distinct_rounds(batch)) == [[0, 1, 3], [2, 5], [4]]


def test_the_protocol_can_be_checked() -> None:
    assert isinstance(MemoryBackend(), Backend)
    assert not isinstance(object(), Backend)
