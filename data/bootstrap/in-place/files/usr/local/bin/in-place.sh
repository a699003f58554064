#!/usr/bin/env bash
# The steps on the live system of a single node that installs itself, after the
# temporary control plane has applied everything:
#   stop-etcd      stop etcd, so that its data can be copied
#   fetch-config   get the master's Ignition config from the server on this host
#   keep-logs      save the logs of this system for the time after the reboot
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
ASSETS="${OKD_ASSETS:-/opt/openshift}"
ROOT="${OKD_ROOT:-}"
# The plain HTTP port is for this host only, and works without the API.
CONFIG_URL=http://localhost:22624/config/master
ACCEPT='application/vnd.coreos.ignition+json;version=3.2.0'

# etcd holds a lock on its database while it may write to it.
stopped() { flock --nonblock --exclusive "$ROOT/var/lib/etcd/member/snap/db" true; }

stop_etcd() {
    rm -f "$ROOT/etc/kubernetes/manifests/etcd-member-pod.yaml"
    until stopped; do
        sleep 0.5
    done
    sync
}

fetch_config() {
    local answer seen=
    until answer="$(curl --silent --show-error --fail --max-time 20 --header "Accept: $ACCEPT" \
        --output "$ASSETS/original-master.ign.new" "$CONFIG_URL" 2>&1)" &&
        answer="$(jq --exit-status '.ignition.version' "$ASSETS/original-master.ign.new" 2>&1)"; do
        # Print each reason once, not every second.
        [ "$answer" = "$seen" ] || echo "no configuration for the node yet: $answer"
        seen="$answer"
        sleep 1
    done
    mv -f "$ASSETS/original-master.ign.new" "$ASSETS/original-master.ign"
}

# Missing logs do not fail the installation.
keep_logs() {
    local bundle="$ASSETS/log-bundle-bootstrap.tar.gz"
    "$LIB/installer-gather.sh" --id bootstrap >"$bundle.new" || echo "the logs are incomplete"
    mv -f "$bundle.new" "$bundle"
}

case "${1:-}" in
stop-etcd) stop_etcd ;;
fetch-config) fetch_config ;;
keep-logs) keep_logs ;;
*)
    echo "usage: in-place.sh stop-etcd|fetch-config|keep-logs" >&2
    exit 2
    ;;
esac
