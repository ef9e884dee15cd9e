#!/usr/bin/env bash
# Lists an image's contents in CycloneDX, and fails where something in it has a known, fixable hole.
set -euo pipefail

reference="$1" list="$2"
scanners="${RUNNER_TEMP:-/tmp}/scanners"
python3 -m venv "$scanners"
"$scanners/bin/pip" install --quiet --no-deps --require-hashes --requirement tests/infra/scanners.lock
trivy() { "$scanners/bin/trivy" "$@"; }
trivy image --quiet --platform linux/arm64 --format cyclonedx --output "$list" "$reference"
trivy sbom --quiet --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1 "$list"
