#!/usr/bin/env bash
# Measures installations in the lab and prints Markdown tables: time per phase, CPU
# seconds, memory of all machines, memory of okd-install.
#   hack/bench.sh [runs]        (default 3; each makes and destroys a cluster)
# Run it on an otherwise idle machine; docs/benchmarks.md quotes its output.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-3}
export OKD_LAB=bench
work=$PWD/_test/bench
lab=okd-lab/$OKD_LAB

command -v /usr/bin/time >/dev/null || apt-get install -y -q time >/dev/null
make --no-print-directory build >/dev/null
bin/okd-lab setup >/dev/null
trap 'bin/okd-lab down >/dev/null 2>&1' EXIT

# The cgroup controllers are in separate hierarchies (v1) or in one (v2).
cpu_seconds() {
	if [ -r "/sys/fs/cgroup/cpuacct/$lab/cpuacct.usage" ]; then
		awk '{printf "%.0f", $1 / 1e9}' "/sys/fs/cgroup/cpuacct/$lab/cpuacct.usage"
	else
		awk '/^usage_usec/ {printf "%.0f", $2 / 1e6}' "/sys/fs/cgroup/$lab/cpu.stat"
	fi
}

anonymous_mib() {
	if [ -r "/sys/fs/cgroup/memory/$lab/memory.stat" ]; then
		awk '/^total_rss / {printf "%d", $2 / 1048576}' "/sys/fs/cgroup/memory/$lab/memory.stat"
	elif [ -r "/sys/fs/cgroup/$lab/memory.stat" ]; then
		awk '/^anon / {printf "%d", $2 / 1048576}' "/sys/fs/cgroup/$lab/memory.stat"
	else
		echo 0 # there is no machine yet
	fi
}

available_mib() { awk '/^MemAvailable/ {printf "%d", $2 / 1024}' /proc/meminfo; }

# watch_memory FILE BEFORE writes the peak of the machines' anonymous memory, and of
# the memory taken from the host, until it is killed.
watch_memory() {
	local top=0 least=$2 now
	while sleep 1; do
		now=$(anonymous_mib)
		((now > top)) && top=$now
		now=$(available_mib)
		((now < least)) && least=$now
		echo "$top $(($2 - least))" >"$1"
	done
}

one() {
	local n=$1 dir=$work/$1 before load watcher
	rm -rf "$dir"
	mkdir -p "$dir"
	bin/okd-lab up >/dev/null
	(umask 077 && bin/okd-lab install-config >"$dir/install-config.yaml")
	before=$(available_mib)
	load=$(cut -d' ' -f1 /proc/loadavg)
	watch_memory "$dir/memory" "$before" &
	watcher=$!
	bin/okd-lab exec -- /usr/bin/time -f '%e %U %S %M' -o "$dir/time" \
		"$PWD/bin/okd-install" create cluster --dir "$dir" --release latest >"$dir/out" 2>&1
	cpu_seconds >"$dir/cpu"
	kill "$watcher"
	bin/okd-lab exec -- "$PWD/bin/okd-install" status --dir "$dir" --phases >"$dir/phases"
	bin/okd-lab exec -- /usr/bin/time -f '%e' -o "$dir/destroy" \
		"$PWD/bin/okd-install" destroy cluster --dir "$dir" >>"$dir/out" 2>&1
	read -r wall user system rss <"$dir/time"
	read -r anon given <"$dir/memory"
	echo "| $n | $wall | $(cat "$dir/cpu") | $user + $system | $anon | $given | $((rss / 1024)) | $(cat "$dir/destroy") | $load |"
	bin/okd-lab down >/dev/null
}

echo '| Run | create cluster, s | CPU s of all machines | CPU s of okd-install | peak MiB of all machines (anonymous) | peak MiB taken from the host | peak RSS MiB of okd-install | destroy cluster, s | load before |'
echo '|---|---|---|---|---|---|---|---|---|'
for n in $(seq "$runs"); do one "$n"; done
echo
echo '| Phase | Seconds, run by run |'
echo '|---|---|'
files=()
for n in $(seq "$runs"); do files+=("$work/$n/phases"); done
awk '{sum[$1] = sum[$1] " " $NF; if (!($1 in seen)) {seen[$1]; order[++k] = $1}} END {for (i = 1; i <= k; i++) print "| " order[i] " |" sum[order[i]] " |"}' \
	"${files[@]}"
echo
echo '| Binary | MiB |'
echo '|---|---|'
for b in okd-install okd-lab; do echo "| $b | $(($(stat -c %s bin/$b) / 1048576)) |"; done
