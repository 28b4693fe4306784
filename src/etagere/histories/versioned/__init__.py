"""The checker of versioned keys: gets, sets, deletes, touches and transactions with etags."""

from etagere.histories.versioned.certificate import verify
from etagere.histories.versioned.checking import check_key, check_versioned
from etagere.histories.versioned.projection import calls_by_key

__all__ = ["calls_by_key", "check_key", "check_versioned", "verify"]
