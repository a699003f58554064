#!/usr/bin/env bash
# A bare CoreOS lacks kubelet, oc and the runtime: check the release's node
# image out beside the running system.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"

REPO=/ostree/repo
TARGET=/var/ostree-node-image
stage=pull-node-image

fetch() {
    local spec ref
    spec="$(image_for stream-coreos)" || spec="$(image_for rhel-coreos)" || {
        echo "the release has no node image (stream-coreos)" >&2
        return 1
    }
    ostree container image pull --authfile "$AUTHFILE" "$REPO" "ostree-unverified-image:docker://$spec" || return 1
    # Images are kept under refs that hold the pull spec, with odd characters escaped.
    ref="$(ostree refs --repo "$REPO" --list ostree/container/image | grep --max-count=1 "${spec##*:}")" || {
        echo "the node image left no ref in $REPO" >&2
        return 1
    }
    rm -rf "$TARGET.new"
    ostree checkout --repo "$REPO" --force-copy-zerosized "$ref" "$TARGET.new" || return 1
    mv "$TARGET.new" "$TARGET"
}

if [ -e "$TARGET" ]; then
    exit 0
fi
output="$(mktemp)"
record node-image-pull "service start"
until fetch >"$output" 2>&1; do
    cat "$output" >&2
    record node-image-pull "stage end" "$stage" failure node-image-pull.sh "$(last_words "$output")"
    sleep 3
done
record node-image-pull "service end" "" success
