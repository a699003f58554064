#!/usr/bin/env bash
# Reports to the installer, through the cluster, that this host is done: ConfigMap
# kube-system/bootstrap, status complete.
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

stage=report-complete
output="$(mktemp)"
trap 'rm -f "$output"' EXIT
until [ -e "$ASSETS/.bootkube.done" ]; do
    sleep 0.5
done
record progress "service start"
record progress "stage start" "$stage"
seen=
until complete >"$output" 2>&1; do
    reason="$(last_words "$output")"
    if [ "$reason" != "$seen" ]; then
        echo "$reason"
        record progress "stage end" "$stage" failure "report-progress.sh" "$reason"
        record progress "stage start" "$stage"
        seen="$reason"
    fi
    sleep 1
done
record progress "stage end" "$stage" success
record progress "service end" "" success
