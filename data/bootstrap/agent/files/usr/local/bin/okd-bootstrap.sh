#!/usr/bin/env bash
# Starts the bootstrap on a live system that has been running for a while. On other
# hosts this config is there before the first service starts; here the node agent has
# written its files, and this does what the boot would have done with them.
set -euo pipefail

ROOT="${OKD_ROOT:-}"
RUN_DIR="${OKD_RUN:-/run/okd-bootstrap}"
LOCAL_DNS="$ROOT/etc/NetworkManager/dispatcher.d/30-local-dns-prepender"
ANCHOR="$ROOT/etc/pki/ca-trust/source/anchors/ca.crt"

# relabel gives the files the SELinux labels that Ignition would have given them. Once:
# node-image-prepare.service changes a label later.
relabel() {
    if [ -e "$ROOT/sys/fs/selinux/enforce" ] && [ ! -e "$RUN_DIR/labelled" ]; then
        restorecon -R -i "$ROOT"/etc/{kubernetes,containers,systemd,NetworkManager,pki,profile.d,mcs} \
            "$ROOT"/opt/openshift "$ROOT"/usr/local/bin "$ROOT"/root/.docker "$ROOT"/var/lib/kubelet
        : >"$RUN_DIR/labelled"
    fi
}

# bare reports whether this CoreOS lacks what the node image of the release has.
bare() {
    [ -e "$ROOT/run/ostree-booted" ] && ! { [ -x "$ROOT/usr/bin/oc" ] && [ -x "$ROOT/usr/bin/kubelet" ]; }
}

mkdir -p "$RUN_DIR"
relabel
[ ! -e "$ANCHOR" ] || update-ca-trust extract
# NetworkManager runs it only when something changes.
[ ! -e "$LOCAL_DNS" ] || "$LOCAL_DNS" none up
if bare; then
    # Its chain of services ends with the target below. The live system's /usr changes
    # while it runs, so nothing of the bootstrap may run yet.
    systemctl --no-block start node-image-finish.service
else
    systemctl --no-block start okd-bootstrap.target
fi
