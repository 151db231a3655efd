#!/usr/bin/env bash
# Make .venv with vdes and everything that its tests need, unless it already exists; then activate it.
# Usage: source tools/setup.sh
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
stamp=$venv/.installed
wanted=$(cat "$root/setup.cfg" "$root/setup.py" "$root/constraints.txt" | python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo "setting up $venv (about 2 minutes, 3 GB)"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  # torch first, on its own: the CPU build, if an index or a folder of wheels offers one
  "$venv/bin/python" -m pip install --quiet --constraint "$root/constraints.txt" torch
  "$venv/bin/python" -m pip install --quiet --constraint "$root/constraints.txt" --editable "$root[dicom,imagenet,export,docs,notebooks,reading,test]"
  echo "$wanted" > "$stamp"
fi
source "$venv/bin/activate"
