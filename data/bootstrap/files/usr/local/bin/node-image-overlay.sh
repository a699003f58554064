#!/usr/bin/env bash
# Puts the node image over the running system until the next boot.
set -euo pipefail

TARGET=/var/ostree-node-image
modules="/usr/lib/modules/$(uname -r)"

# The booted kernel needs its own modules, whatever the image has.
if [ ! -d "$TARGET$modules" ]; then
    mkdir -p "$TARGET$modules"
    mount --bind "$modules" "$TARGET$modules"
fi
mount --rbind "$TARGET/usr" /usr
rsync --archive --ignore-existing "$TARGET/usr/etc/" /etc/
systemctl daemon-reload
