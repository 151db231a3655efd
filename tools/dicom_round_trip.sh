#!/usr/bin/env bash
# From phantom studies in DICOM to virtual DES in an archive and back: needs Orthanc, dciodvfy and curl
# (Debian: orthanc orthanc-dicomweb dicom3tools curl) and an environment with vdes[dicom].
# Usage: bash tools/dicom_round_trip.sh OUT [PIXELS]
set -euo pipefail
out=$(realpath -m "$1") size=${2:-256}
cd "$(dirname "$0")/.."
bundle=bundles/breast_cesm_virtual_des_unet
[ ! -e "$out" ] || { echo "error: $out: exists already; expected the name of a folder to make" >&2; exit 2; }

echo "== phantom studies, as GE and Hologic would send them"
vdes phantom "$out/phantoms" --patients 3 --size "$size" --format dicom

echo "== their low-energy and DES images, found by their headers"
vdes datalist dicom "$out/phantoms/images" --output "$out/datalist.json"

echo "== virtual DES as DICOM objects"
python -m monai.bundle run --config_file $bundle/configs/inference.yaml --bundle_root $bundle \
  --dataset_dir "$out/datalist.json" --output_dir "$out/virtual_des" --output_ext .dcm
for file in "$out"/virtual_des/*.dcm; do
  # dciodvfy of 2022 does not know SyntheticData (0008,001C), which is newer
  if dciodvfy "$file" 2>&1 | grep '^Error' | grep -v '(0x0008,0x001c)'; then
    echo "error: $file is not valid" >&2
    exit 1
  fi
done
echo "dciodvfy: no error in $(ls "$out/virtual_des" | wc -l) objects"

echo "== an archive"
port=${ORTHANC_PORT:-8042} user=vdes password=$(head -c 9 /dev/urandom | base64 | tr '+/' 'ab')
plugin=$(find /usr/lib/orthanc /usr/share/orthanc/plugins -name 'libOrthancDicomWeb.so*' 2>/dev/null | head -n 1)
cat >"$out/orthanc.json" <<JSON
{"StorageDirectory": "$out/orthanc", "IndexDirectory": "$out/orthanc", "HttpPort": $port, "DicomServerEnabled": false,
 "AuthenticationEnabled": true, "RegisteredUsers": {"$user": "$password"}, "Plugins": ["$plugin"]}
JSON
export NETRC=$out/netrc
(umask 077 && echo "machine localhost login $user password $password" >"$NETRC")
PATH=$PATH:/usr/sbin Orthanc "$out/orthanc.json" >"$out/orthanc.log" 2>&1 &
trap 'kill %1' EXIT
curl --silent --retry 30 --retry-connrefused --retry-delay 1 --netrc-file "$NETRC" "http://localhost:$port/system" >/dev/null
for file in "$out"/phantoms/images/P1/*.dcm; do
  curl --silent --fail --netrc-file "$NETRC" --data-binary "@$file" "http://localhost:$port/instances" >/dev/null
done

echo "== a study from the archive, and its virtual DES back into it"
study=$(curl --silent --netrc-file "$NETRC" "http://localhost:$port/dicom-web/studies" |
  python -c 'import json, sys; print(json.load(sys.stdin)[0]["0020000D"]["Value"][0])')
vdes synthesize --dicomweb "http://localhost:$port/dicom-web" --study "$study" --bundle $bundle

echo "== the series of the study"
curl --silent --netrc-file "$NETRC" "http://localhost:$port/dicom-web/studies/$study/series?includefield=0008103E" |
  python -c 'import json, sys; print("\n".join(sorted(s["0008103E"]["Value"][0] for s in json.load(sys.stdin))))'
