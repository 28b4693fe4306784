"""The shell of a page: one file, complete, that may load nothing and run nothing but its own."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from etagere.pages.markup import Content, Markup, join, tag

# The policy names the page's own style and script by their hashes. Whatever slips into the page
# from data can therefore neither run nor load anything.
POLICY = "default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'"


def document(title: str, *body: Content, style: str = "", script: str = "") -> str:
    """Return a whole HTML page: `body` in the house style, with a style and a script of its own.

    Neither may hold `</`; inline `style=` and `on...=` attributes have no effect in such a page.
    """
    style = read_asset("etagere.pages", "base.css") + style
    policy = POLICY.format(style=_source(style), script=_source(script))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    end = tag("script", Markup(script)) if script else None
    page = tag("html", head, tag("body", join(body), end), lang="en")
    return f"<!doctype html>\n{page}\n"


def read_asset(package: str, name: str) -> str:
    """Return a text file, such as a style sheet, that lies in a package."""
    return files(package).joinpath(name).read_text("utf-8")


def _source(text: str) -> str:
    if not text:
        return "'none'"
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
