#!/usr/bin/env bash
# Set up .venv (once) and run the linters, the type checker and all tests.
# Usage: bash tools/test.sh [pytest arguments]
# A second run uses the .venv that is there unless setup.cfg or constraints.txt changed.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh
export OMP_NUM_THREADS=1 MPLBACKEND=Agg
ruff check .
ruff format --check .
mypy
# a file of tests stays in one process, whose fixtures they share
python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "$@"
