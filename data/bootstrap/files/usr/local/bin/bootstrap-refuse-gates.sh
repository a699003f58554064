#!/usr/bin/env bash
# bootstrap-refuse-gates.sh TAG GATE...: fails if the release has the component TAG
# and one of the feature gates is enabled, because the component would have to run
# on this host, and no stage starts it.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"

# enabled prints the enabled gates, one per line. The release's renderer has written
# them, as JSON or as YAML in the order of its encoder.
enabled() {
    jq --raw-output '.status.featureGates[].enabled[]?.name' "$1" 2>/dev/null && return
    awk '
        /^ *(- )?(enabled|disabled|version):/ { list = $0; gsub(/[- ]|:.*/, "", list); next }
        list == "enabled" && /^ *- name:/ { print $3 }' "$1"
}

tag="$1"
shift
image_for "$tag" >/dev/null || exit 0
file="$ASSETS/manifests/99_feature-gate.yaml"
on="$(enabled "$file")"
for gate in "$@"; do
    if grep -qxF -e "$gate" <<<"$on"; then
        echo "feature gate $gate is on, and with it release $(jq --raw-output .metadata.name "$ASSETS/image-references")" \
            "needs $tag on the bootstrap host, which is not supported; use no featureSet, or one without that gate" >&2
        exit 1
    fi
done
