#!/usr/bin/env bash
# Finishes the installation of a single node after it has started from its disk,
# where the control plane of the live system continues (see master-update.fcc).
# Every step leaves a marker; the script may be killed at any moment.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"

ASSETS="${OKD_ASSETS:-/opt/openshift}"
ROOT="${OKD_ROOT:-}"
KUBERNETES="$ROOT/etc/kubernetes"

api() { oc --kubeconfig="$KUBERNETES/bootstrap-secrets/kubeconfig" --request-timeout=10s "$@"; }

# The steps: each does its work, or prints what it is waiting for.

api_answers() { api get --raw=/readyz >/dev/null; }

# In other installations the bootstrap host does this; here its API is gone.
report_complete() {
    api create configmap bootstrap --namespace=kube-system --from-literal=status=complete ||
        api patch configmap bootstrap --namespace=kube-system --type=merge --patch='{"data":{"status":"complete"}}'
}

# The holders of these leases are gone with the live system. Without this step
# their successors would wait until the leases expire.
release_leases() {
    local lease
    for lease in openshift-cluster-version/version kube-system/cluster-policy-controller-lock; do
        api delete --ignore-not-found --namespace="${lease%/*}" "lease/${lease#*/}" "configmap/${lease#*/}" || return 1
    done
}

cvo_overrides() {
    api patch clusterversion version --type=merge --patch-file="$ASSETS/original_cvo_overrides.patch"
}

node_ready() {
    local state
    state="$(api get nodes --output=json | jq --raw-output '
        [.items[] | select(.metadata.labels | has("node-role.kubernetes.io/master"))
            | first(.status.conditions[]? | select(.type == "Ready"))] as $ready
        | if $ready == [] then "the node has not registered"
          elif all($ready[]; .status == "True") then "Ready"
          else first($ready[] | select(.status != "True")).message // "the node is not Ready" end')" || return 1
    [ "$state" = Ready ] || {
        echo "$state"
        return 1
    }
}

# A drop-in with the node's address may have been written after the kubelet
# started.
restart_kubelet() { systemctl daemon-reload && systemctl restart kubelet.service; }

# The operators replace the control plane of the live system pod by pod.
own_control_plane() {
    local old
    old="$(cd "$KUBERNETES/manifests" &&
        grep --files-with-matches --extended-regexp '/etc/kubernetes/bootstrap-(secrets|configs)' -- *.yaml)" ||
        case $? in 1) return 0 ;; *) return 1 ;; esac
    echo "still from the live system: ${old//$'\n'/ }"
    return 1
}

cluster_available() {
    local state
    state="$(api get clusterversions,clusteroperators --output=json | jq --raw-output '
        def available: any(.status.conditions[]?; .type == "Available" and .status == "True");
        if any(.items[]; .kind == "ClusterVersion" and available) then "Available" else
            [.items[] | select(.kind == "ClusterOperator" and (available | not)).metadata.name] as $missing
            | "the cluster is not Available" + if $missing == [] then "" else ", nor are \($missing | join(", "))" end end')" || return 1
    [ "$state" = Available ] || {
        echo "$state"
        return 1
    }
}

# step NAME FUNCTION retries a step until it succeeds, and records each new
# reason why it does not.
step() {
    local name="$1" seen='' reason
    [ ! -e "$ASSETS/$name.done" ] || return 0
    record bootkube "stage start" "$name"
    until "$2" >"$output" 2>&1; do
        reason="$(last_words "$output")"
        if [ "$reason" != "$seen" ]; then
            echo "$name: $reason"
            record bootkube "stage end" "$name" failure "step $name" "$reason"
            record bootkube "stage start" "$name"
            seen="$reason"
        fi
        sleep 1
    done
    : >"$ASSETS/$name.done"
    record bootkube "stage end" "$name" success
}

# clean removes the files of the live system, its keys last: without them the unit
# of this script does not start again.
clean() {
    rm -rf "$KUBERNETES/bootstrap-configs" "$ROOT/var/log/log-bundle-bootstrap.tar.gz" \
        "$ASSETS/auth" "$ASSETS/original_cvo_overrides.patch"
    systemctl disable bootkube.service approve-csr.service
    rm -rf "$KUBERNETES/bootstrap-secrets"
    : >"$ASSETS/.bootkube.done" # ends approve-csr.sh
    rm -f "$LIB"/{bootstrap-in-place-post-reboot,bootstrap-service-record,approve-csr,installer-gather,installer-masters-gather}.sh
}

output="$(mktemp)"
trap 'rm -f "$output"' EXIT
record bootkube "service start"
step api-answers api_answers
step report-complete report_complete
step release-leases release_leases
step cvo-overrides cvo_overrides
step node-ready node_ready
step restart-kubelet restart_kubelet
step own-control-plane own_control_plane
step restart-kubelet-again restart_kubelet
step cluster-available cluster_available
clean
record bootkube "service end" "" success
