#!/usr/bin/env bash
# Measures commands that generate files and prints Markdown tables: wall time
# (median and worst of the runs) and memory.
#   hack/bench-commands.sh [runs]        (default 20)
# Run it on an otherwise idle machine; docs/benchmarks.md quotes its output.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-20}
work=$PWD/_test/bench-commands
digest=$(printf 'a%.0s' {1..64})
export OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE=quay.io/okd/scos-release@sha256:$digest

command -v /usr/bin/time >/dev/null || apt-get install -y -q time >/dev/null
make --no-print-directory build >/dev/null
rm -rf "$work"
mkdir -p "$work"

# config HOSTS prints an install-config with that many hosts; 0: platform none.
config() {
	if [ "$1" = 0 ]; then
		cat docs/user/examples/none.yaml
		return
	fi
	grep '^pullSecret:' docs/user/examples/baremetal.yaml
	sed -E '/^ *hosts:/,$d' docs/user/examples/baremetal.yaml |
		awk -v workers=$(($1 - 3)) '/^compute:/ {in_compute = 1} in_compute && /replicas:/ {sub(/replicas: .*/, "replicas: " workers); in_compute = 0} {print}'
	echo '    hosts:'
	for ((i = 0; i < $1; i++)); do
		printf '      - {name: rack-%d, bootMACAddress: "52:54:00:00:%02x:%02x", bmc: {address: "redfish-virtualmedia+https://198.51.%d.%d/redfish/v1/Systems/1", username: admin, password: word}}\n' \
			"$i" $((i >> 8)) $((i & 255)) $((100 + (i >> 8))) $((i & 255))
	done
}

# measure NAME HOSTS fresh|again COMMAND... prints the table row of a command, run
# in a new directory each time, or again in the same one.
measure() {
	local name=$1 hosts=$2 mode=$3 dir=$work/dir
	shift 3
	: >"$work/times"
	rm -rf "$dir"
	for ((n = 0; n < runs; n++)); do
		if [ "$mode" = fresh ] || [ "$n" = 0 ]; then
			rm -rf "$dir"
			mkdir "$dir"
			config "$hosts" >"$dir/install-config.yaml"
		fi
		if [ "$mode" = again ] && [ "$n" = 0 ]; then
			bin/okd-install "$@" --dir "$dir" >/dev/null 2>&1
		fi
		local start=$EPOCHREALTIME
		/usr/bin/time -f '%M' -o "$work/rss" bin/okd-install "$@" --dir "$dir" >"$work/out" 2>&1 || { cat "$work/out" >&2; return 1; }
		local end=$EPOCHREALTIME
		echo "$(((${end/./} - ${start/./}) / 1000)) $(cat "$work/rss")" >>"$work/times"
	done
	sort -n "$work/times" | awk -v name="$name" '{t[NR] = $1; if ($2 > rss) rss = $2} END {printf "| %s | %d | %d | %d |\n", name, t[int((NR + 1) / 2)], t[NR], rss / 1024}'
}

echo "| Command, $runs runs | median ms | worst ms | peak RSS MiB |"
echo '|---|---|---|---|'
measure 'version' 0 again version
measure 'create manifests, first run' 0 fresh create manifests
measure 'create manifests, again' 0 again create manifests
measure 'create ignition-configs, first run' 0 fresh create ignition-configs
measure 'create ignition-configs, again' 0 again create ignition-configs
for hosts in 10 100 1000; do
	measure "create manifests, first run, $hosts hosts" "$hosts" fresh create manifests
done
echo
echo '| RSA-2048 keys | |'
echo '|---|---|'
keys=$(grep -o '"key":' "$work/dir/.openshift_install_state.json" | wc -l)
echo "| made by \`create manifests\` | $keys |"
go test -run '^$' -bench Key -benchtime 100x ./pkg/pki | awk '/^BenchmarkKey/ {printf "| one, on one core | %.0f ms |\n", $3 / 1e6}'
echo
echo '| Binary | MiB |'
echo '|---|---|'
echo "| okd-install | $(($(stat -c %s bin/okd-install) / 1048576)) |"
