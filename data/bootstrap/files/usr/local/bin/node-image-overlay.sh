#!/usr/bin/env bash
# Mounts the node image over the running system until the next boot. It may be
# killed at any moment and run again.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=node-image.sh
. "$LIB/node-image.sh"

# over FROM TO mounts a directory over another one, once. Read-only, because the
# files belong to the repository.
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
    # As in an update of the OS: add new defaults, keep changed files.
    rsync --archive "${leave[@]}" "$TARGET/usr/etc/" "$ROOT/etc/" || return 1
    # sshd rejects host keys that others may read; that of the boot image may have
    # made such keys.
    for key in "$ROOT"/etc/ssh/ssh_host_*_key; do
        [ ! -e "$key" ] || chmod 0600 "$key" || return 1
    done
    # The image's policy has labels for the image's programs.
    if [ -e "$SELINUX" ]; then
        semodule --reload || return 1
    fi
    systemctl daemon-reload || return 1
    # The running sshd starts programs of its own that have been replaced.
    systemctl --no-block try-restart sshd.service || true
}

repeat overlay-node-image overlay
record node-image-pull "service end" "" success
