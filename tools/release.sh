#!/usr/bin/env bash
# Make a release of the last commit: sdist, wheel, the archives of all bundles, a bill of materials (CycloneDX) and their
# checksums. The same commit in the same environment gives the same bytes.
# Usage: bash tools/release.sh [OUT]     (default: dist/release), in an environment with vdes[test]; needs GNU tar
set -euo pipefail
export LC_ALL=C TZ=UTC PYTHONHASHSEED=0
umask 022
out=$(realpath -m "${1:-$(dirname "$0")/../dist/release}")
cd "$(dirname "$0")/.."
[ ! -e "$out" ] || { echo "error: $out: exists already; expected the name of a folder to make" >&2; exit 2; }
changed=$(git status --porcelain)
[ -z "$changed" ] || { echo "error: $(head -1 <<<"${changed:3}"): not as in the last commit; commit it before a release" >&2; exit 2; }
type cyclonedx-py >/dev/null 2>&1 || { echo "error: no program cyclonedx-py; expected an environment with vdes[test]" >&2; exit 2; }
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/clone" "$work/sdist" "$work/release"

echo "== sdist"
git archive --format=tar HEAD | tar -x -C "$work/clone"
python -m build --no-isolation --sdist --outdir "$work/sdist" "$work/clone" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# setuptools packs times and owners of this machine; they are packed again without
tar -xz -C "$work/sdist" --no-same-owner -f "$work"/sdist/*.tar.gz
sdist=$(basename "$work"/sdist/*.tar.gz)
source=$work/sdist/${sdist%.tar.gz}
tar -c -C "$work/sdist" --format=posix --pax-option=delete=atime,delete=ctime --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
  --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --hard-dereference "$(basename "$source")" | gzip -9n >"$work/release/$sdist"

echo "== wheel"
python -m build --no-isolation --wheel --outdir "$work/release" "$source" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

echo "== archives of the bundles"
vdes bundle pack bundles/*/ --output "$work/release" >"$work/log" || { cat "$work/log" >&2; exit 1; }

echo "== bill of materials"
python tools/runtime_environment.py "$work"/release/*.whl "$work/environment"
cyclonedx-py environment --output-reproducible --mc-type library --output-format JSON \
  --output-file "$work/release/${sdist%.tar.gz}.cdx.json" "$work/environment/bin/python"

(cd "$work/release" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
mv "$work/release" "$out"
echo "wrote $out: $(ls "$out" | wc -l) files"
