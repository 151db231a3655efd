"""``python -m vdes.cli``, which is ``vdes``."""

import sys

from vdes.cli.app import main

sys.exit(main())
