"""Pages: HTML files that need nothing beside themselves.

`document` is the shell of every page, `tag` and `Markup` build what is inside it, and `base.css`
says what pages look like: the type, the colours by name (`--ink`, `--accent`...) for light and
dark, tables, search boxes, and paper. `findings.css` is for pages that list findings with their
witnesses.
"""

from etagere.pages.document import document, read_asset
from etagere.pages.markup import Markup, join, tag, visible

__all__ = ["Markup", "document", "join", "read_asset", "tag", "visible"]
