"""Fresh ETags: none twice, in any process."""

from __future__ import annotations

import os
import re
import sys

import pytest

from etagere.minting import MINTED_AT_ONCE, mint_etag


def test_an_etag_is_128_bits_in_hex():
    assert all(re.fullmatch("[0-9a-f]{32}", mint_etag()) for _ in range(2 * MINTED_AT_ONCE))


def test_no_etag_is_minted_twice():
    etags = [mint_etag() for _ in range(5 * MINTED_AT_ONCE + 1)]
    assert len(set(etags)) == len(etags)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_mints_others_than_its_parent():
    mint_etag()  # more of them are drawn with it
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, mint_etag().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        theirs = pipe.read().decode()
    os.waitpid(child, 0)
    assert len(theirs) == 32
    assert theirs not in {mint_etag() for _ in range(2 * MINTED_AT_ONCE)}
