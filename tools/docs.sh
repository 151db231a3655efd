#!/usr/bin/env bash
# Build the documentation, in an environment with vdes[docs]. Warnings, such as broken links, are errors.
# Usage: bash tools/docs.sh [OUT]     (default: build/docs)
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../build/docs}")
cd "$(dirname "$0")/.."
python -m sphinx --builder html --conf-dir docs --fail-on-warning --keep-going --quiet . "$out"
echo "wrote $out/index.html"
