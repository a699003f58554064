#!/usr/bin/env bash
# Tests an installation on a real site step by step and writes a report that can be
# shared: what worked, how long it took, with which versions. It contains no secret,
# address or name of the site; see docs/dev/fidelity.md.
#   hack/fidelity.sh look DIR      check an installed cluster, change nothing
#   hack/fidelity.sh install DIR   DIR has an install-config.yaml: plan, install, look, install again
#   hack/fidelity.sh destroy DIR   destroy the cluster, twice
# Each run appends to DIR/fidelity-report.md. Needs oc and jq. OKD_INSTALL is the
# path of the installer, if it is neither on the PATH nor in bin/.
# shellcheck disable=SC2317 # steps are called by try
set -euo pipefail

usage() {
	sed -nE 's/^#   ?//p' "$0" >&2
	exit 2
}
[ $# -eq 2 ] || usage
mode=$1 dir=$2
case $mode in look | install | destroy) ;; *) usage ;; esac
[ -d "$dir" ] || {
	echo "$dir is not a directory" >&2
	exit 2
}
for program in jq oc; do
	command -v "$program" >/dev/null || {
		echo "this needs $program on the PATH" >&2
		exit 2
	}
done
installer=${OKD_INSTALL:-$(command -v okd-install || echo "$(dirname "$0")/../bin/okd-install")}
report=$dir/fidelity-report.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# values prints what the report must not contain, one "kind value" per line.
values() {
	local file
	for file in "${OVIRT_CONFIG:-$HOME/.ovirt/ovirt-config.yaml}" "$work/install-config.yaml"; do
		[ -r "$file" ] || continue
		sed -nE "s/^[ -]*(ovirt_)?password: *['\"]?([^'\"]*)['\"]?$/secret \2/p" "$file"
		sed -nE "s/^ovirt_username: *['\"]?([^'\"@]*).*$/user \1/p" "$file"
		sed -nE "s,^ovirt_url: *['\"]?https?://([^/:'\"]+).*$,engine \1,p" "$file"
		grep -oE '"(auth|password|identitytoken)" *: *"[^"]+"' "$file" | sed -E 's/^.*: *"(.*)"$/secret \1/' || true
		sed -nE "s/^sshKey: *['\"]?[a-z0-9-]+ ([^ '\"]+).*$/key \1/p" "$file"
		sed -nE "s/^baseDomain: *['\"]?([^'\"]+)['\"]?$/domain \1/p" "$file"
		sed -nE "s/^ *- *([A-Za-z0-9.-]+\.[A-Za-z]{2,}[^ ]*)$/host \1/p" "$file"
	done
	[ ! -s "$dir/auth/kubeadmin-password" ] || echo "secret $(cat "$dir/auth/kubeadmin-password")"
	[ ! -s "$dir/metadata.json" ] || jq -r '"infra \(.infraID)", "cluster \(.clusterName)", "uuid \(.clusterID)"' "$dir/metadata.json"
	[ ! -s "$work/infra" ] || cat "$work/infra"
}

# clean replaces these values, and everything that looks like an address or a key.
clean() {
	values | awk 'length($2) > 3' | awk '!seen[$0]++ {print length($2), $0}' | sort -rn | cut -d' ' -f2- >"$work/values"
	jq -Rr --rawfile list "$work/values" '
		($list | split("\n") | map(select(. != "") | capture("^(?<kind>[a-z]+) (?<value>.*)$"))) as $known
		| reduce $known[] as $k (.; split($k.value) | join("(" + $k.kind + ")"))
		| gsub("[0-9]{1,3}(\\.[0-9]{1,3}){3}"; "(address)")
		| gsub("([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"; "(mac)")
		| gsub("([0-9a-f]{1,4}:){3,7}[0-9a-f:]*"; "(address)")
		| gsub("(?<a>sha256:[0-9a-f]{12})[0-9a-f]{52}"; .a + "…")
		| gsub("[A-Za-z0-9+/]{48,}=*"; "(long value)")'
}

add() { printf '%s\n' "$*" >>"$work/report"; }

# try NAME COMMAND... adds a row to the table, with the end of the output of a
# command that failed.
try() {
	local name=$1 start=$SECONDS code=0
	shift
	echo "== $name" >&2
	"$@" >"$work/out" 2>&1 || code=$?
	if [ "$code" -eq 0 ]; then
		add "| $name | worked | $((SECONDS - start)) s | |"
		return
	fi
	failed=1
	tail -n 3 "$work/out" >&2
	add "| $name | failed, exit code $code | $((SECONDS - start)) s | $(tail -n 3 "$work/out" | tr '|\n' '/ ') |"
}

kube() { oc --kubeconfig "$dir/auth/kubeconfig" --request-timeout=15s "$@"; }

nodes_ready() { kube wait --for=condition=Ready node --all --timeout=60s; }

operators_healthy() {
	kube get clusteroperators -o json | jq -e '[.items[] | select(any(.status.conditions[];
		.type == "Available" and .status != "True" or .type == "Degraded" and .status == "True"))
		| .metadata.name] | if . == [] then true else error("not healthy: " + join(", ")) end' >/dev/null
}

nothing_to_create() {
	"$installer" plan --dir "$dir" --output json >"$work/plan" || return
	jq -er '.create // [] | if . == [] then true else
		error("plan would create \(map(.name) | join(", ")) although the cluster is complete") end' "$work/plan" >/dev/null
}

facts() {
	add '' "$1" '' '| Site | |' '|---|---|'
	add "| installer | $("$installer" version 2>/dev/null | tr '\n' ' ') |"
	if [ -s "$dir/auth/kubeconfig" ]; then
		kube get nodes -o json 2>/dev/null | jq -r '.items | group_by(.status.nodeInfo | del(.machineID, .systemUUID, .bootID))[]
			| "| \(length) nodes | \(.[0].status.nodeInfo | "\(.osImage), kernel \(.kernelVersion), \(.containerRuntimeVersion), kubelet \(.kubeletVersion)") |"' \
			>>"$work/report" || add '| nodes | the API does not answer |'
		kube get infrastructure cluster -o json 2>/dev/null |
			jq -r '"| platform | \(.status.platformStatus.type), \(.status.controlPlaneTopology) |"' >>"$work/report" || true
		kube get clusterversion version -o json 2>/dev/null |
			jq -r '"| release | \(.status.desired.version) |"' >>"$work/report" || true
	fi
}

look() {
	try 'status says complete' "$installer" status --dir "$dir" --quiet
	try 'every node is Ready' nodes_ready
	try 'every operator is available, none degraded' operators_healthy
	try 'plan has nothing to create' nothing_to_create
}

phases() {
	add '' '| Phase | Result | Time |' '|---|---|---|'
	"$installer" status --dir "$dir" --phases 2>/dev/null | awk 'NF {print "| " $1 " | " (NF > 2 ? $2 : "") " | " $NF " |"}' >>"$work/report" || true
}

cp "$dir/install-config.yaml" "$work/install-config.yaml" 2>/dev/null || true
: >"$work/report"
add "## $mode, $(date -u +%F)" '' '| Step | Result | Time | End of the output |' '|---|---|---|---|'
case $mode in
look)
	look
	;;
install)
	try 'plan before anything exists' "$installer" plan --dir "$dir"
	try 'create cluster' "$installer" create cluster --dir "$dir"
	look
	try 'create cluster again' "$installer" create cluster --dir "$dir"
	;;
destroy)
	values | grep -E '^(infra|cluster|uuid) ' >"$work/infra" || true
	try 'destroy cluster' "$installer" destroy cluster --dir "$dir"
	try 'destroy cluster again' "$installer" destroy cluster --dir "$dir"
	;;
esac
[ "$mode" = destroy ] || phases
facts ''
add ''

clean <"$work/report" >"$work/cleaned"
# A last check: better no report than one with a secret.
while read -r kind value; do
	[ "$kind" = secret ] || continue
	if grep -qF -- "$value" "$work/cleaned"; then
		echo 'the report would contain a secret; nothing was written' >&2
		exit 1
	fi
done <"$work/values"
(umask 077 && cat "$work/cleaned" >>"$report")
echo "read $report before you send it" >&2
exit "$failed"
