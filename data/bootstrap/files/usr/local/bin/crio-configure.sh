#!/usr/bin/env bash
# Configures the release's pause image, and the login for it, in the container
# runtime.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"

CONF="${OKD_ROOT:-}/etc/crio/crio.conf.d"

if ! pause="$(image_for pod)"; then
    echo "the release has no image pod; the runtime keeps its own"
    exit 0
fi
mkdir -p "$CONF"
cat >"$CONF/.00-default-pause.new" <<CONFIG
[crio.image]
pause_image = "$pause"
pause_image_auth_file = "/var/lib/kubelet/config.json"
pause_command = "/usr/bin/pod"
CONFIG
if ! cmp -s "$CONF/.00-default-pause.new" "$CONF/00-default-pause"; then
    mv -f "$CONF/.00-default-pause.new" "$CONF/00-default-pause"
    # A runtime that is already running must read the file again. Do not wait: it
    # may be waiting for this unit.
    systemctl --no-block try-restart crio.service
fi
rm -f "$CONF/.00-default-pause.new"
