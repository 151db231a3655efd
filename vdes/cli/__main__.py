"""``python -m vdes.cli``, the same as ``vdes``."""

import sys

from vdes.cli.app import main

sys.exit(main())
