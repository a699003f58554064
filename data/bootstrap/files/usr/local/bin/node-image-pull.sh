#!/usr/bin/env bash
# A bare CoreOS lacks kubelet, oc and the runtime: check the release's node
# image out beside the running system, and note which settings in /etc are not
# the OS's own. Its unit has mounts of its own, nobody else sees those made here.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"

ROOT="${OKD_ROOT:-}"
TARGET="$ROOT/var/ostree-node-image"
KEPT="$ROOT/var/ostree-node-image.kept"
REPO="$ROOT/ostree/repo"
live=
stage=pull-node-image

# prepare finds a repository that can be written. That of a live system is on
# its medium; it gets another one, in memory, until the files are checked out.
prepare() {
    if [ -e "$ROOT/run/ostree-live" ]; then
        live=yes
        REPO="$ROOT/var/ostree-node-image.repo"
        [ -d "$REPO" ] || ostree init --repo="$REPO" --mode=bare
        # ostree looks for /etc in the deployment; here it is mounted elsewhere.
        mount --bind /etc "$(echo "$ROOT"/ostree/deploy/*/deploy/*/etc)"
    else
        mount --options remount,rw "$ROOT/sysroot"
    fi
}

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
    ostree admin config-diff | sed --quiet 's|^[AMD]  *|/|p' >"$KEPT" || return 1
    rm -rf "$TARGET.new"
    ostree checkout --repo "$REPO" --force-copy-zerosized "$ref" "$TARGET.new" || return 1
    mv "$TARGET.new" "$TARGET"
    [ -z "$live" ] || rm -rf "$REPO"
}

if [ -e "$TARGET" ]; then
    exit 0
fi
output="$(mktemp)"
trap 'rm -f "$output"' EXIT
record node-image-pull "service start"
record node-image-pull "stage start" "$stage"
prepare
until fetch >"$output" 2>&1; do
    cat "$output" >&2
    record node-image-pull "stage end" "$stage" failure node-image-pull.sh "$(last_words "$output")"
    sleep 3
    record node-image-pull "stage start" "$stage"
done
record node-image-pull "stage end" "$stage" success
record node-image-pull "service end" "" success
