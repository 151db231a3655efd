#!/usr/bin/env bash
# Are virtual DES images a valid alternative to the real ones? Needs only Python and pip: sets up vdes, makes phantom
# patients, runs all arms with the shipped phantom weights, and writes the report.
# Usage: bash tools/study.sh [OUT] [options of vdes study]     (default OUT: runs/study, 120 test patients)
# Run the same command again to resume an interrupted run.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/study}
[ $# -gt 0 ] && shift
source tools/setup.sh
mkdir -p "$(dirname "$out")"
vdes study --phantom 120 --output "$out" "$@"
