#!/usr/bin/env bash
# What a single node that installs itself does on its live system, after the
# temporary control plane has applied everything:
#   stop-etcd      end etcd, so that its data can be copied
#   fetch-config   get the master's Ignition config from the server on this host
#   keep-logs      keep what this system knows for the time after the reboot
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
ASSETS="${OKD_ASSETS:-/opt/openshift}"
ROOT="${OKD_ROOT:-}"
# The plain port is for this host alone, and serves while the API is gone.
CONFIG_URL=http://localhost:22624/config/master
ACCEPT='application/vnd.coreos.ignition+json;version=3.2.0'

# etcd holds a lock on its database for as long as it may write to it.
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
        # Once per reason, not once per second.
        [ "$answer" = "$seen" ] || echo "no configuration for the node yet: $answer"
        seen="$answer"
        sleep 1
    done
    mv -f "$ASSETS/original-master.ign.new" "$ASSETS/original-master.ign"
}

# An installation does not fail for want of logs.
keep_logs() {
    local bundle="$ASSETS/log-bundle-bootstrap.tar.gz"
    "$LIB/installer-gather.sh" --id bootstrap >"$bundle.new" || echo "the logs are not complete"
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
