#!/usr/bin/env bash
# Checks out the release's node image, with kubelet, oc and the runtime, on a bare
# CoreOS, and lists the changed settings in /etc. Its unit has its own mount
# namespace. It may be killed at any moment; incomplete results are made again.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=node-image.sh
. "$LIB/node-image.sh"

# open_repo makes the repository writable.
open_repo() {
    local etc
    if [ -z "$LIVE" ]; then
        [ -w "$REPO" ] || mount --options remount,rw "$ROOT/sysroot"
        return
    fi
    ostree init --repo="$REPO" --mode=bare || return 1
    # ostree expects /etc in the deployment; on a live system it is elsewhere.
    etc="$(echo "$ROOT"/ostree/deploy/*/deploy/*/etc)"
    [ "$ROOT/etc" -ef "$etc" ] || mount --bind "$ROOT/etc" "$etc"
}

# pull stores the image in the repository. An interrupted pull keeps its layers.
pull() {
    # A connection may hang forever.
    timeout --kill-after=10 60m ostree container image pull --authfile "$AUTHFILE" \
        "$REPO" "ostree-unverified-image:docker://$(cat "$SPEC")"
}

# check_out makes a complete tree of the image's files, or none.
check_out() {
    local ref digest links=()
    digest="$(cat "$SPEC")" || return 1
    # The ref of an image contains its pull spec, with special characters escaped.
    ref="$(ostree refs --repo "$REPO" --list ostree/container/image |
        grep --max-count=1 --fixed-strings "${digest##*:}")" || {
        echo "the node image left no ref in $REPO"
        return 1
    }
    # Only mode bare stores files as they are checked out.
    [ "$(ostree config --repo="$REPO" get core.mode)" != bare ] || links=(--require-hardlinks)
    note_settings || return 1
    rm -rf "$TARGET.new" || return 1
    ostree checkout --repo "$REPO" "${links[@]}" "$ref" "$TARGET.new" || return 1
    # It cannot be made later, because the repository is read-only elsewhere.
    mkdir -p "$TARGET.new/usr/lib/modules" || return 1
    mv "$TARGET.new" "$TARGET"
}

# note_settings lists what was added, changed or removed in /etc, as patterns for
# rsync. Directories are not listed: their files are, and the image may add more.
note_settings() {
    local name diff
    diff="$(ostree admin config-diff)" || return 1
    while read -r _ name; do
        if [ -n "$name" ] && { [ ! -d "$ROOT/etc/$name" ] || [ -L "$ROOT/etc/$name" ]; }; then
            echo "/$name" | sed 's/[][*?\\]/\\&/g'
        fi
    done <<<"$diff" >"$KEPT.new" || return 1
    mv -f "$KEPT.new" "$KEPT"
}

fetch() {
    if [ ! -e "$TARGET" ]; then
        if [ ! -e "$SPEC" ]; then
            echo "the node image is not known yet; see journalctl -u node-image-prepare"
            return 1
        fi
        open_repo && pull && check_out || return 1
    fi
    # The checkout's hard links keep the files.
    [ -z "$LIVE" ] || rm -rf "$REPO"
}

repeat pull-node-image fetch
