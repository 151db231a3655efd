#!/usr/bin/env bash
# Build the documentation into build/docs/index.html; a warning, a broken link among them, is an error.
# Usage: bash tools/docs.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh
python -m sphinx --builder html --conf-dir docs --fail-on-warning --keep-going --quiet . build/docs
echo "wrote build/docs/index.html"
