#!/usr/bin/env bash
# Approves the certificate requests of the masters during the bootstrap. It watches
# the API on this host or, if that is gone, the one at the API address.
set -euo pipefail

ASSETS="${OKD_ASSETS:-/opt/openshift}"

approve() {
    local name
    while read -r request; do
        name="$(jq -r .metadata.name <<<"$request")"
        echo "approving $name of $(jq -r .spec.username <<<"$request")"
        oc --kubeconfig="$1" --request-timeout=10s replace \
            --raw "/apis/certificates.k8s.io/v1/certificatesigningrequests/$name/approval" -f - <<<"$request" >/dev/null ||
            echo "approving $name failed; it will be retried"
    done
}

# answers reports whether a server listens at the URL of a kubeconfig. Once a
# second, curl is much cheaper than oc.
answers() {
    local server
    server="$(sed -n 's/^ *server: *//p' "$1" 2>/dev/null | head -n 1 | tr -d "\"'")"
    [ -n "$server" ] && curl --silent --insecure --output /dev/null --max-time 3 "$server/readyz"
}

pending='select(.kind == "CertificateSigningRequest" and (.status.conditions // []) == [])
    | .status.conditions = [{type: "Approved", status: "True", reason: "BootstrapApprove",
        message: "approved by the bootstrap host"}]'

while [ ! -e "$ASSETS/.bootkube.done" ]; do
    for kubeconfig in "$ASSETS/auth/kubeconfig-loopback" "$ASSETS/auth/kubeconfig"; do
        answers "$kubeconfig" || continue
        # The timeout ends the watch, so that failed approvals are retried.
        oc --kubeconfig="$kubeconfig" --request-timeout=15s get certificatesigningrequests --watch --output=json 2>/dev/null |
            jq --compact-output --unbuffered "$pending" | approve "$kubeconfig" || true
        [ ! -e "$ASSETS/.bootkube.done" ] || break
    done
    sleep 1
done
