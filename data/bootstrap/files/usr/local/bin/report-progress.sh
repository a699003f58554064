#!/usr/bin/env bash
# Reports to the installer, through the cluster, that this host is done: ConfigMap
# kube-system/bootstrap, status complete. On a host that becomes a node itself it ends
# when etcd can do without this host.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"

ASSETS="${OKD_ASSETS:-/opt/openshift}"
# The masters' API: the one on this host is gone by now.
api() { oc --kubeconfig="$ASSETS/auth/kubeconfig" --request-timeout=10s "$@"; }

# installed prints the number of masters with a running API server.
installed() {
    api get kubeapiservers.operator.openshift.io cluster --output=json |
        jq '[.status.nodeStatuses[]? | select((.currentRevision // 0) > 0)] | length'
}

wanted() {
    local topology
    topology="$(api get infrastructures.config.openshift.io cluster --output=json | jq -r '.status.controlPlaneTopology // ""')" || return 1
    if [ "$topology" = HighlyAvailable ]; then echo 2; else echo 0; fi
}

complete() {
    local need have=0
    need="$(wanted)" || return 1
    [ "$need" -eq 0 ] || have="$(installed)" || return 1
    if [ "$have" -lt "$need" ]; then
        echo "$have of $need masters run an API server" >&2
        return 1
    fi
    api create configmap bootstrap --namespace=kube-system --from-literal=status=complete ||
        api patch configmap bootstrap --namespace=kube-system --type=merge --patch='{"data":{"status":"complete"}}'
}

# etcd_moved reports whether the etcd operator has removed the member on this host.
etcd_moved() {
    local state
    state="$(api get etcds.operator.openshift.io cluster --output=json |
        jq --raw-output 'first(.status.conditions[]? | select(.type == "EtcdBootstrapMemberRemoved"))
            // {} | if .status == "True" then "moved" else .message // "the etcd operator has not reported yet" end')" || return 1
    [ "$state" = moved ] || {
        echo "$state" >&2
        return 1
    }
}

# step NAME FUNCTION retries a function until it succeeds, and records each new reason
# why it does not.
step() {
    local seen='' reason
    record progress "stage start" "$1"
    until "$2" >"$output" 2>&1; do
        reason="$(last_words "$output")"
        if [ "$reason" != "$seen" ]; then
            echo "$reason"
            record progress "stage end" "$1" failure "report-progress.sh" "$reason"
            record progress "stage start" "$1"
            seen="$reason"
        fi
        sleep 1
    done
    record progress "stage end" "$1" success
}

output="$(mktemp)"
trap 'rm -f "$output"' EXIT
until [ -e "$ASSETS/.bootkube.done" ]; do
    sleep 0.5
done
record progress "service start"
step report-complete complete
# This file marks a host that becomes a node.
if [ -e "$ASSETS/assisted-install-bootstrap" ]; then
    step etcd-moved etcd_moved
fi
record progress "service end" "" success
