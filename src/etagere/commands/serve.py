"""`etagere serve`: serve stores over HTTP, as Dapr's state API."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

from etagere.commands import options
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.errors import ConfigurationError
from etagere.serving.settings import DEFAULT_STORE, Settings, size_of

FIELDS = Settings.__struct_fields__
EXAMPLES = """\
  etagere serve
  etagere serve --store redis://127.0.0.1:6379
  etagere serve --store cart=sqlite:///cart.db --store users=postgres://127.0.0.1/shop
  etagere serve --components ./components --app-id shop --access-log --log-format json
  DAPR_API_TOKEN=secret etagere serve --host 0.0.0.0

Without --store and --components there is one store, statestore, on $ETAGERE_STORE or ./etagere.db.
With DAPR_API_TOKEN in the environment, clients must send it in the header dapr-api-token.
On Ctrl-C or SIGTERM it answers the requests in flight, and exits with 0.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `serve` takes."""
    default = Settings()
    add_stores(parser.add_argument_group("stores").add_argument)
    add = parser.add_argument_group("server").add_argument
    add("--host", default=default.host, help=f"where to listen (default: {default.host})")
    add("--port", type=port, default=default.port, help=f"default: {default.port}; 0: any")
    add(
        "--max-body-size",
        metavar="SIZE",
        type=size,
        default=default.max_body_size,
        help="the largest request, such as 4Mi (default) or 500k",
    )
    add("--strict", action="store_true", help="refuse what Dapr refuses and etagere would take")
    add("--access-log", action="store_true", help="log a line for each request")
    add("--log-format", choices=["text", "json"], default=default.log_format)
    seconds = default.shutdown_timeout
    add(
        "--shutdown-timeout",
        metavar="TIME",
        type=options.duration,
        default=seconds,
        help=f"how long requests may still take at the end (default: {seconds:g}s)",
    )
    options.add_output(parser)


def add_stores(add: Callable[..., object]) -> None:
    """Add what says which stores are served."""
    add(
        "--store",
        metavar="[NAME=]URL",
        dest="stores",
        action="append",
        type=named_url,
        default=[],
        help=f"a store, and the name that clients know it by (default: {DEFAULT_STORE});"
        " may be given several times",
    )
    add("--components", metavar="DIR", type=Path, help="a folder with Dapr's component files")
    add(
        "--default-store",
        metavar="NAME",
        default="",
        help=f"the store of requests that name none (default: {DEFAULT_STORE}, or else the first)",
    )
    add("--app-id", metavar="ID", default="", help="keep keys as ID||KEY (default: as they are)")
    options.add_timeout(add)


def run(arguments: Namespace) -> int:
    """Serve until told to stop; return the exit code."""
    settings = settings_of(arguments)
    try:
        from etagere.serving.server import serve
    except ImportError as error:
        raise ConfigurationError(
            f"the server needs the package {error.name!r};"
            " install it with: pip install 'etagere[server]'"
        ) from error
    serve(settings)
    return Exit.OK


def settings_of(arguments: Namespace) -> Settings:
    """Return what a command line and the environment say."""
    flags = {name: value for name, value in vars(arguments).items() if name in FIELDS}
    if not arguments.stores and arguments.components is None and options.VARIABLE in os.environ:
        flags["stores"] = [(DEFAULT_STORE, os.environ[options.VARIABLE])]
    token = os.environ.get("DAPR_API_TOKEN", "")
    return Settings(**flags, api_token=token, environment=dict(os.environ))


def named_url(text: str) -> tuple[str, str]:
    """Read `name=URL`, or a URL alone."""
    name, found, url = text.partition("=")
    if "://" in name:  # a "=" further on belongs to the URL
        return DEFAULT_STORE, text
    if not found or not name or not url:
        raise ArgumentTypeError(f"{text!r} is not NAME=URL, such as cart=sqlite:///cart.db")
    return name, url


def port(text: str) -> int:
    """Read the number of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError(f"{text!r} is not a port; there are 0 to 65535")
    return int(text)


def size(text: str) -> int:
    """Read a number of bytes."""
    try:
        return size_of(text)
    except ConfigurationError as error:
        raise ArgumentTypeError(str(error)) from error


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)
