#!/usr/bin/env bash
# Puts the node image over the running system until the next boot. It may be
# killed at any moment and run again.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=node-image.sh
. "$LIB/node-image.sh"

# over FROM TO mounts a directory over another one, once, and read-only: the
# files are those of the repository.
over() {
    [ "$1" -ef "$2" ] || mount --rbind "$1" "$2" || return 1
    mount --options remount,bind,ro "$2"
}

overlay() {
    local leave=(--exclude-from="$KEPT") modules=/usr/lib/modules key
    # The booted kernel needs its own modules, whatever the image has.
    over "$ROOT$modules" "$TARGET$modules" || return 1
    over "$TARGET/usr" "$ROOT/usr" || return 1
    # In FIPS mode the initial RAM disk has mounted its own there.
    if [ "$(cat "$ROOT/proc/sys/crypto/fips_enabled" 2>/dev/null)" = 1 ]; then
        leave+=(--exclude=/crypto-policies)
    fi
    # As on an update of the OS: new defaults, but no word about what was changed here.
    rsync --archive "${leave[@]}" "$TARGET/usr/etc/" "$ROOT/etc/" || return 1
    # sshd refuses keys that others may read, and newer ones than the image's did not.
    for key in "$ROOT"/etc/ssh/ssh_host_*_key; do
        [ ! -e "$key" ] || chmod 0600 "$key" || return 1
    done
    # The policy knows the labels of programs that came with the image.
    if [ -e "$SELINUX" ]; then
        semodule --reload || return 1
    fi
    systemctl daemon-reload || return 1
    # The one that runs starts parts of itself that have been replaced.
    systemctl --no-block try-restart sshd.service || true
}

repeat overlay-node-image overlay
record node-image-pull "service end" "" success
