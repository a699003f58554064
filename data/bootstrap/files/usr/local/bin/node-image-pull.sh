#!/usr/bin/env bash
# A bare CoreOS lacks kubelet, oc and the runtime: check the release's node
# image out beside the running system, and note which settings in /etc are not
# the OS's own. Its unit has mounts of its own, nobody else sees those made here.
# It may be killed at any moment; what is not complete is made again.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=node-image.sh
. "$LIB/node-image.sh"

# open_repo finds a repository that can be written.
open_repo() {
    local etc
    if [ -z "$LIVE" ]; then
        [ -w "$REPO" ] || mount --options remount,rw "$ROOT/sysroot"
        return
    fi
    ostree init --repo="$REPO" --mode=bare || return 1
    # ostree looks for /etc in the deployment; here it is mounted elsewhere.
    etc="$(echo "$ROOT"/ostree/deploy/*/deploy/*/etc)"
    [ "$ROOT/etc" -ef "$etc" ] || mount --bind "$ROOT/etc" "$etc"
}

# pull leaves the image in the repository. Layers that came before an end stay.
pull() {
    # Without an end, a connection that hangs would hang for ever.
    timeout --kill-after=10 60m ostree container image pull --authfile "$AUTHFILE" \
        "$REPO" "ostree-unverified-image:docker://$(cat "$SPEC")"
}

# check_out makes a tree of the image's files, complete or not at all.
check_out() {
    local ref digest links=()
    digest="$(cat "$SPEC")" || return 1
    # Images are kept under refs that hold the pull spec, with odd characters escaped.
    ref="$(ostree refs --repo "$REPO" --list ostree/container/image |
        grep --max-count=1 --fixed-strings "${digest##*:}")" || {
        echo "the node image left no ref in $REPO"
        return 1
    }
    # Other modes keep files in a form that is not that of the files.
    [ "$(ostree config --repo="$REPO" get core.mode)" != bare ] || links=(--require-hardlinks)
    note_settings || return 1
    rm -rf "$TARGET.new" || return 1
    ostree checkout --repo "$REPO" "${links[@]}" "$ref" "$TARGET.new" || return 1
    # Nobody can make it later, in a repository that is read-only elsewhere.
    mkdir -p "$TARGET.new/usr/lib/modules" || return 1
    mv "$TARGET.new" "$TARGET"
}

# note_settings lists what was added, changed or removed in /etc, as patterns
# for rsync. Directories are left out: what is in them is listed, too, and the
# image may have more to put there.
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
            echo "nobody has found out which image it is; see journalctl -u node-image-prepare"
            return 1
        fi
        open_repo && pull && check_out || return 1
    fi
    # The files live on by their other names.
    [ -z "$LIVE" ] || rm -rf "$REPO"
}

repeat pull-node-image fetch
