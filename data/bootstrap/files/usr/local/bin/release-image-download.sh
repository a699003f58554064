#!/usr/bin/env bash
# Pulls the release image, retrying without limit, and extracts its metadata to
# /opt/openshift/{release-image.digest,image-references,release-metadata}.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"

# fetch runs in a condition, where bash ignores "set -e".
fetch() {
    local spec new="$ASSETS/release-image.digest.new"
    spec="$(cat "$ASSETS/release-image")" || return 1
    pull_image "$spec" || return 1
    read_release "$spec" || return 1
    image_by_digest "$spec" >"$new" || return 1
    mv -f "$new" "$ASSETS/release-image.digest"
}

stage=pull-release-image
output="$RUN_DIR/$stage.log"
mkdir -p "$RUN_DIR"
record release-image "service start"
record release-image "stage start" "$stage"
pause=1
until fetch >"$output" 2>&1; do
    cat "$output" >&2
    record release-image "stage end" "$stage" failure "release-image-download.sh" "$(last_words "$output")"
    sleep "$pause"
    pause=$((pause < 8 ? pause * 2 : 10))
    record release-image "stage start" "$stage"
done
record release-image "stage end" "$stage" success
record release-image "service end" "" success
