#!/usr/bin/env bash
# Tells the container runtime which image holds the pause program, and which
# login to use for it.
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
    # It starts after this unit; one that runs already reads the file only at
    # its start. Waiting for it here would be waiting for ourselves.
    systemctl --no-block try-restart crio.service
fi
rm -f "$CONF/.00-default-pause.new"
