#!/usr/bin/env bash
# Set up .venv (once) and run the linters, the type checker and all tests, including docstring examples.
# A full run also measures branch coverage, and fails below the minimum, fail_under in pyproject.toml.
# Usage: bash tools/test.sh [--require-dicom-tools] [pytest arguments: only some tests, without coverage]
# Later runs reuse .venv unless setup.cfg, setup.py or constraints.txt changed.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh
export OMP_NUM_THREADS=1 MPLBACKEND=Agg
ruff check .
ruff format --check .
mypy
coverage=(--cov)
for argument in "$@"; do
  [ "$argument" = --require-dicom-tools ] || coverage=()
done
# the tests of a file run in one process, because they share fixtures
python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "${coverage[@]}" "$@"
