#!/usr/bin/env bash
# Makes the manifests of the Job that approves the certificate requests of this
# installation's nodes, when this host is gone:
#   agent-approver-render.sh IMAGE
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
ASSETS="${OKD_ASSETS:-/opt/openshift}"
# What the node agent installs. It writes the file before it starts the bootstrap.
HOSTS="$ASSETS/agent-hosts.json"
OBJECTS="$ASSETS/agent-approver-objects"
OUT="$ASSETS/agent-approver"
NAMESPACE=okd-agent-install

image="${1:-}"
if [ -z "$image" ]; then
    echo "the release has no image cli, with which certificate requests are approved" >&2
    exit 1
fi
if [ ! -e "$HOSTS" ]; then
    echo "$HOSTS is missing, so it is not known which nodes may join" >&2
    exit 1
fi

# One line per host, for a shell without jq: HOSTNAME ROLE ADDRESS...
lines="$(jq --raw-output '
    def name: type == "string" and length <= 253 and
        test("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$");
    def address: type == "string" and test("^[0-9a-f.:]+$");
    if type != "array" or length == 0 then error("no list of hosts") else . end
    | (group_by(.hostname)[] | select(length > 1) | error("\(.[0].hostname) is there twice")),
      (.[] | if .hostname | name | not then error("\(.hostname) is not the name of a node")
        elif .role | IN("master", "arbiter", "worker") | not then error("\(.hostname) has role \(.role)")
        elif .addresses // [] | all(address) | not then error("\(.hostname) has an address that is none")
        else [.hostname, .role] + (.addresses // []) | join(" ") end)' "$HOSTS" 2>&1)" || {
    echo "$HOSTS: ${lines##*$'\n'}" >&2
    exit 1
}

# configmap NAME KEY=FILE... makes a ConfigMap of files.
configmap() {
    local name="$1" data='{}' pair
    shift
    for pair; do
        data="$(jq --compact-output --arg key "${pair%%=*}" --rawfile text "${pair#*=}" '.[$key] = $text' <<<"$data")"
    done
    jq --arg name "$name" --arg namespace "$NAMESPACE" '{apiVersion: "v1", kind: "ConfigMap",
        metadata: {name: $name, namespace: $namespace}, data: .}' <<<"$data" >"$OUT/99_okd-agent_configmap-$name.yaml"
}

rm -rf "$OUT"
mkdir -p "$OUT"
for object in "$OBJECTS"/*.yaml; do
    sed "s|@IMAGE@|$image|" "$object" >"$OUT/99_okd-agent_${object##*/}"
done
hosts="$(mktemp)"
trap 'rm -f "$hosts"' EXIT
printf '%s\n' "$lines" >"$hosts"
configmap okd-agent-hosts hosts.json="$HOSTS" hosts="$hosts" networks="$OBJECTS/networks" reserved="$OBJECTS/reserved"
configmap okd-agent-approver agent-approver.sh="$LIB/agent-approver.sh"
