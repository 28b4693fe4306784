"""The pytest plugin of etagere's conformance kit.

It is loaded into every pytest session where etagere is installed, so it imports nothing of etagere
until a store is named with --etagere or a subclass of `BackendConformance` is collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from etagere.conformance.plugin import ConformancePlugin


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what says which stores are tested, and how."""
    add = parser.getgroup("etagere", "conformance of stores to etagere's contract").addoption
    add(
        "--etagere",
        metavar="URL",
        action="append",
        default=[],
        help="a store to test, with: pytest --pyargs etagere.conformance; may be given repeatedly",
    )
    add("--etagere-seed", metavar="N", type=int, help="repeat a run: the seed that it printed")
    add(
        "--etagere-level",
        metavar="LEVEL",
        action="append",
        default=[],
        help="only clauses of this level; may be given repeatedly",
    )
    add(
        "--etagere-soak",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="go on with races and faults for so long, all together",
    )
    add(
        "--etagere-report",
        metavar="FILE",
        action="append",
        default=[],
        help="write a report: .html, .json, .md or .xml; may be given repeatedly",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the kit if a store is named."""
    if config.getoption("etagere"):
        _plugin_of(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of a conformance suite their stores."""
    suite: object = cast("Any", metafunc).cls
    if getattr(suite, "__conformance__", False):
        _plugin_of(metafunc.config).parametrize(metafunc)


def _plugin_of(config: pytest.Config) -> ConformancePlugin:
    from etagere.conformance.plugin import plugin_of

    return plugin_of(config)
