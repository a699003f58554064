#!/usr/bin/env bash
# Approves the certificate requests of the nodes of this installation, and of no
# others, until all of them are Ready. It runs as a Job in the cluster, from an image
# that has oc and sleep, but need not have jq or openssl.
#
# In $OKD_CONFIG, hosts has a line per node, HOSTNAME ROLE ADDRESS..., networks has the
# machine networks, and reserved has addresses that no node may have.
set -euo pipefail

CONFIG="${OKD_CONFIG:-/etc/okd-agent}"
EVERY="${OKD_EVERY:-5}" # seconds
# A node that is Ready may still ask for the certificate of its kubelet's server.
SETTLE="${OKD_SETTLE:-120}" # seconds
BOOTSTRAPPER=system:serviceaccount:openshift-machine-config-operator:node-bootstrapper

declare -A expected=() ready=() addresses=() said=()
names=() networks=() reserved=()

load() {
    local name rest
    while read -r name _ rest; do
        [ -z "$name" ] || { names+=("$name") && expected[$name]=" $rest "; }
    done <"$CONFIG/hosts"
    read -r -d '' -a networks <"$CONFIG/networks" || true
    read -r -d '' -a reserved <"$CONFIG/reserved" || true
    if [ "${#expected[@]}" -eq 0 ] || [ "${#networks[@]}" -eq 0 ]; then
        echo "$CONFIG names no nodes, or no machine networks" >&2
        exit 1
    fi
}

# say prints a text unless it was the last one of its kind.
say() { # KIND TEXT
    [ -z "$2" ] || [ "${said[$1]:-}" = "$2" ] || echo "$2"
    said[$1]="$2"
}

# bits ADDRESS prints the bits of an address, and fails if it is none.
bits() {
    local part parts=() head tail zeros='' out='' i width=16 base=16
    if [[ "$1" == *:* ]]; then
        [[ "$1" =~ ^[0-9a-f:]+$ && "$1" != *::*::* && "$1" != *:::* ]] || return 1
        parts=("$1")
        if [[ "$1" == *::* ]]; then
            head="${1%%::*}" tail="${1#*::}"
            read -r -a parts <<<"${head//:/ } ${tail//:/ }"
            for ((i = ${#parts[@]}; i < 8; i++)); do zeros+=' 0'; done
            [ -n "$zeros" ] || return 1
            read -r -a parts <<<"${head//:/ }$zeros ${tail//:/ }"
        else
            read -r -a parts <<<"${1//:/ }"
        fi
        [ "${#parts[@]}" -eq 8 ] || return 1
    else
        [[ "$1" =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]] || return 1
        IFS=. read -r -a parts <<<"$1"
        width=8 base=10
    fi
    for part in "${parts[@]}"; do
        [ "${#part}" -le 4 ] || return 1
        part=$(("$base#$part"))
        [ "$part" -lt $((1 << width)) ] || return 1
        for ((i = width - 1; i >= 0; i--)); do out+=$(((part >> i) & 1)); done
    done
    echo "$out"
}

# inside ADDRESS reports whether an address is in a machine network.
inside() {
    local network address prefix length
    address="$(bits "$1")" || return 1
    for network in "${networks[@]}"; do
        prefix="$(bits "${network%/*}")" || continue
        length="${network#*/}"
        if [ "${#prefix}" -eq "${#address}" ] && [ "${prefix:0:length}" = "${address:0:length}" ]; then
            return 0
        fi
    done
    return 1
}

# The judges print why a request must not be approved, and nothing if it may be.

judge_address() { # NODE ADDRESS
    local other
    if [[ "${addresses[$1]}" != *" \"$2\" "* ]]; then
        echo "names address $2, which node $1 does not have"
    elif ! inside "$2"; then
        echo "names address $2, which is in no machine network"
    elif [[ " ${reserved[*]} " == *" $2 "* ]]; then
        echo "names address $2, which is not a node's"
    else
        for other in "${!expected[@]}"; do
            if [ "$other" != "$1" ] && [[ "${expected[$other]}" == *" $2 "* ]]; then
                echo "names address $2, which is that of $other"
            fi
        done
    fi
}

judge_usages() { # USAGES WANTED
    local rest="$1"
    if [[ "$rest" != *"[$2]"* ]]; then
        echo "does not ask for usage $2"
        return
    fi
    rest="${rest/"[$2]"/}"
    rest="${rest/'[digital signature]'/}"
    rest="${rest/'[key encipherment]'/}"
    [ -z "$rest" ] || echo "asks for usage $rest"
}

# judge_names looks at the alternative names of a serving certificate. Their values come
# one per line, the first one of a kind with its title.
judge_names() { # NODE LINE...
    local node="$1" line value kind=''
    shift
    for line; do
        value="${line##*: }"
        case "$kind,$line" in
        ",DNS Names: "*) kind=dns ;;
        ",IP Addresses: "* | "dns,IP Addresses: "*) kind=ip ;;
        ,* | *" "* | *,) kind=unknown ;;
        esac
        case "$kind" in
        dns) [ "$value" = "$node" ] || [[ "$value" == "$node".* ]] || echo "names $value, which is not node $node" ;;
        ip) judge_address "$node" "$value" ;;
        *) echo "names something other than hosts: $line" ;;
        esac
    done
}

judge() { # SIGNER USAGES USER NODE LINE..., the lines being those of subject_of
    local signer="$1" usages="$2" user="$3" node="$4"
    shift 4
    if [ "${1:-}" != Subject: ] || [ "${2:-}" != "Common Name: system:node:$node" ] ||
        [ "${3:-}" != "Serial Number:" ] || [ "${4:-}" != "Organization: system:nodes" ]; then
        echo "its subject is not a node's"
    elif [ -z "${expected[$node]:-}" ]; then
        echo "node $node is not one of this installation"
    elif [ "$signer" = kubernetes.io/kube-apiserver-client-kubelet ]; then
        if [ "$user" != "\"$BOOTSTRAPPER\"" ]; then
            echo "asked for by $user, not by the node bootstrapper"
        elif [ -n "${ready[$node]:-}" ]; then
            echo "node $node has joined already"
        elif [ "$#" -ne 4 ]; then
            echo "a client certificate must not carry more than the name of its node"
        fi
        judge_usages "$usages" 'client auth'
    elif [ "$user" != "\"system:node:$node\"" ]; then
        echo "asked for by $user, not by the node itself"
    elif [ -z "${ready[$node]:-}" ]; then
        echo "node $node has not joined"
    elif [ "${5:-}" != "Subject Alternative Names:" ]; then
        echo "names no host"
    else
        judge_names "$node" "${@:6}"
        judge_usages "$usages" 'server auth'
    fi
}

# subject_of REQUEST prints what oc says of the subject and the alternative names, with
# words that are separated by single spaces.
subject_of() {
    local line show='' words
    oc describe certificatesigningrequest "$1" --show-events=false | while IFS= read -r line; do
        read -r -a words <<<"$line"
        [ "$line" != Subject: ] || show=yes
        [ -z "$show" ] || echo "${words[*]}"
    done
}

# look reads the nodes. Values that nodes choose are quoted, so that they stay in their
# line and place.
look() {
    local nodes name state list
    nodes="$(oc get nodes --output=go-template='{{range .items}}{{.metadata.name}}|{{range .status.conditions}}{{
        if eq .type "Ready"}}{{.status}}{{end}}{{end}}|{{range .status.addresses}} {{printf "%q" .address}}{{end}}{{
        "\n"}}{{end}}')" || return 1
    ready=() addresses=()
    while IFS='|' read -r name state list; do
        [ -z "$name" ] || ready[$name]="${state:-Unknown}" addresses[$name]="$list "
    done <<<"$nodes"
}

# pass judges the open requests. What it finds of nodes that are expected is in open.
pass() {
    local requests name signer usages user node lines why
    open=0
    look || return 1
    requests="$(oc get certificatesigningrequests --output=go-template='{{range .items}}{{if not .status.conditions}}{{
        .metadata.name}}|{{.spec.signerName}}|{{range .spec.usages}}[{{.}}]{{end}}|{{printf "%q" .spec.username}}{{
        "\n"}}{{end}}{{end}}')" || return 1
    while IFS='|' read -r name signer usages user; do
        case "$signer" in
        kubernetes.io/kube-apiserver-client-kubelet | kubernetes.io/kubelet-serving) ;;
        *) continue ;;
        esac
        mapfile -t lines < <(subject_of "$name")
        node="${lines[1]:-}" node="${node#Common Name: system:node:}"
        [ -n "$node" ] || continue # it is gone, or the next look finds it
        [ -z "${expected[$node]:-}" ] || open=$((open + 1))
        why="$(judge "$signer" "$usages" "$user" "$node" "${lines[@]}")"
        if [ -n "$why" ]; then
            say "$name" "$name is left alone: ${why//$'\n'/; }"
        elif oc adm certificate approve "$name" >/dev/null; then
            echo "approved $name of node $node"
        fi
    done <<<"$requests"
}

missing() {
    local name
    for name in "${names[@]}"; do
        [ "${ready[$name]:-}" = True ] || echo -n " $name"
    done
}

load
quiet=0
until [ "$quiet" -ge "$SETTLE" ]; do
    if pass; then
        waiting="$(missing)"
        say waiting "${waiting:+waiting for$waiting}"
        if [ -z "$waiting" ] && [ "$open" -eq 0 ]; then quiet=$((quiet + EVERY)); else quiet=0; fi
    else
        quiet=0
    fi
    sleep "$EVERY"
done
echo "all ${#expected[@]} nodes are Ready"
# From here on nobody has these rights.
oc delete clusterrolebinding okd-agent-approver --ignore-not-found
