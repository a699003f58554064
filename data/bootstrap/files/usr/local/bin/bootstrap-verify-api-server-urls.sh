#!/usr/bin/env bash
# Checks something that the bootstrap host needs, with retries:
#   resolve HOST   the name has an address
#   ready HOST     the API server behind the name is ready
#   etcd URL       the bootstrap's etcd is healthy
# Prints each new reason of a failure; retries for etcd are unlimited.
set -euo pipefail

TLS="${OKD_ASSETS:-/opt/openshift}/tls"

resolve() {
    local found
    found="$(dig +short +time=2 +tries=1 "$1" A "$1" AAAA 2>&1)" || true
    if ! grep '^[0-9a-fA-F:.]*$' <<<"$found" | grep .; then
        echo "no address: ${found:-empty answer}"
        return 1
    fi
}

ready() {
    curl --silent --show-error --fail --output /dev/null --max-time 5 \
        --cacert "$TLS/kube-apiserver-complete-server-ca-bundle.crt" "https://$1:6443/readyz" 2>&1
}

# etcd answers 503 while it is not healthy.
etcd() {
    curl --silent --show-error --fail --max-time 5 --cacert "$TLS/etcd-ca-bundle.crt" \
        --cert "$TLS/etcd-client.crt" --key "$TLS/etcd-client.key" "$1/health" 2>&1
}

check="$1" target="$2" tries=20
[ "$check" != etcd ] || tries=0
seen=
for ((i = 1; ; i++)); do
    if answer="$("$check" "$target" 2>&1)"; then
        echo "$check $target: ok after $i tries"
        exit 0
    fi
    # Print each reason once.
    [ "$answer" = "$seen" ] || echo "$check $target: $answer"
    seen="$answer"
    if [ "$i" = "$tries" ]; then
        exit 1
    fi
    sleep 0.5
done
