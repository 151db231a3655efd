#!/usr/bin/env bash
# Set up .venv (once) and run the linters, the type checker and all tests, docstring examples among them.
# A full run also measures branch coverage, and fails below the floor, fail_under in pyproject.toml.
# Usage: bash tools/test.sh [--require-dicom-tools] [pytest arguments: a part of the tests, without coverage]
# A second run uses the .venv that is there unless setup.cfg, setup.py or constraints.txt changed.
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
# a file of tests stays in one process, whose fixtures they share
python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "${coverage[@]}" "$@"
