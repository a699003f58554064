#!/usr/bin/env bash
# Puts the node image over the running system until the next boot.
set -euo pipefail

ROOT="${OKD_ROOT:-}"
TARGET="$ROOT/var/ostree-node-image"
modules="/usr/lib/modules"

# The booted kernel needs its own modules, whatever the image has.
mkdir -p "$TARGET$modules"
mount --options bind,ro "$ROOT$modules" "$TARGET$modules"
mount --options rbind,ro "$TARGET/usr" "$ROOT/usr"
# As on an update of the OS: new defaults, but no word about what was changed here.
rsync --archive --exclude-from="$ROOT/var/ostree-node-image.kept" "$TARGET/usr/etc/" "$ROOT/etc/"
# The policy knows the labels of programs that came with the image.
if command -v semodule >/dev/null; then
    semodule --reload
fi
systemctl daemon-reload
