"""`python -m etagere`: the command line."""

import sys

from etagere.cli import main

if __name__ == "__main__":
    sys.exit(main())
