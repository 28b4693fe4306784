"""Complete linearizability search for any sequential model."""

from etagere.histories.search.checking import check_steps, search
from etagere.histories.search.replaying import replay

__all__ = ["check_steps", "replay", "search"]
