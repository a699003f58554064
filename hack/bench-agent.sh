#!/usr/bin/env bash
# Measures agent-based installations and prints Markdown tables.
#   hack/bench-agent.sh [runs]     making images, compared with cp of the same file (default 5)
#   hack/bench-agent.sh install    an installation of three hosts in the lab, by phase, and the
#                                  memory of the node agent
# Run it on an otherwise idle machine; docs/benchmarks.md quotes its output. Images are made
# from the lab's live ISO, so okd-lab setup has to have run.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/_test/bench-agent
digest=$(printf 'a%.0s' {1..64})

command -v /usr/bin/time >/dev/null || apt-get install -y -q time >/dev/null
make --no-print-directory build >/dev/null
rm -rf "$work"
mkdir -p "$work"

# inputs HOSTS DIR writes the files of a cluster with static addresses on all hosts.
inputs() {
	cat >"$2/install-config.yaml" <<-EOF
		apiVersion: v1
		metadata: {name: rack1}
		baseDomain: example.org
		controlPlane: {name: master, replicas: 3}
		compute: [{name: worker, replicas: $(($1 - 3))}]
		networking: {machineNetwork: [{cidr: 192.0.0.0/16}]}
		platform: {none: {}}
		pullSecret: '{"auths":{"registry.example.org":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
	EOF
	{
		printf 'apiVersion: v1beta1\nkind: AgentConfig\nmetadata: {name: rack1}\nrendezvousIP: 192.0.100.10\nhosts:\n'
		for ((i = 0; i < $1; i++)); do
			role=worker
			((i > 2)) || role=master
			printf -v mac '52:54:00:00:%02x:%02x' $((i >> 8)) $((i & 255))
			printf -v ip '192.0.%d.%d' $((100 + i / 200)) $((10 + i % 200))
			cat <<-EOF
				- hostname: host-$i
				  role: $role
				  interfaces: [{name: eno1, macAddress: "$mac"}]
				  networkConfig:
				    interfaces:
				    - name: eno1
				      type: ethernet
				      state: up
				      ipv4: {enabled: true, dhcp: false, address: [{ip: $ip, prefix-length: 16}]}
				    dns-resolver: {config: {server: [192.0.0.1]}}
				    routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 192.0.0.1, next-hop-interface: eno1}]}
			EOF
		done
	} >"$2/agent-config.yaml"
}

# timed FILE COMMAND... runs a command and adds its milliseconds and peak MiB to a file.
timed() {
	local file=$1 start=$EPOCHREALTIME end
	shift
	/usr/bin/time -f '%M' -o "$work/rss" "$@" >"$work/out" 2>&1 || {
		cat "$work/out" >&2
		return 1
	}
	end=$EPOCHREALTIME
	echo "$(((${end/./} - ${start/./}) / 1000)) $(($(cat "$work/rss") / 1024))" >>"$file"
}

# median FILE COLUMN prints the median of a column.
median() { awk -v column="$2" '{ print $column }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

worst() { awk -v column="$2" '{ print $column }' "$1" | sort -n | tail -n 1; }

images() {
	local runs=$1 cache=${OKD_LAB_CACHE:-/var/cache/okd-lab} hosts dir iso
	iso=$(jq -r .liveISO "$cache/setup.json")
	export OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE=registry.example.org/okd/release@sha256:$digest
	export OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE=$iso
	echo "| \`agent create image\`, $runs runs, live ISO of $(($(stat -c %s "$iso") >> 20)) MiB | first run, median ms (worst) | again, median ms (worst) | \`cp\` of the image, median ms | again / \`cp\` | peak RSS MiB |"
	echo '|---|---|---|---|---|---|'
	for hosts in 3 1000; do
		rm -f "$work"/{first,again,cp}
		for ((n = 0; n < runs; n++)); do
			dir=$work/dir
			rm -rf "$dir"
			mkdir "$dir"
			inputs "$hosts" "$dir"
			timed "$work/first" bin/okd-install agent create image --dir "$dir"
			timed "$work/again" bin/okd-install agent create image --dir "$dir"
			timed "$work/cp" cp --reflink=never "$dir/agent.x86_64.iso" "$work/copy"
			rm -rf "$work/copy" "$dir"
		done
		echo "| $hosts hosts | $(median "$work/first" 1) ($(worst "$work/first" 1)) |" \
			"$(median "$work/again" 1) ($(worst "$work/again" 1)) | $(median "$work/cp" 1) |" \
			"$(awk -v a="$(median "$work/again" 1)" -v b="$(median "$work/cp" 1)" 'BEGIN { printf "%.1f", a / b }') |" \
			"$(cat "$work/first" "$work/again" | sort -nk 2 | tail -n 1 | cut -d' ' -f2) |"
	done
}

# agent_rss NAME prints the peak RSS, in MiB, of the node agent on a host.
agent_rss() {
	# shellcheck disable=SC2016 # for the host's shell
	bin/okd-lab machines exec "$1" -- sh -c \
		'grep VmHWM "/proc/$(systemctl show -p MainPID --value okd-agent.service)/status"' 2>/dev/null | awk '{ print int($2 / 1024) }'
}

installation() {
	export OKD_LAB=${OKD_LAB:-bench}
	local dir=$work/dir name mac rss top=0 start=$SECONDS
	bin/okd-lab setup >/dev/null
	trap 'bin/okd-lab down >/dev/null 2>&1' EXIT
	bin/okd-lab up >/dev/null
	mkdir -p "$dir"
	(umask 077 && bin/okd-lab install-config --platform baremetal --masters 3 --workers 0 >"$dir/install-config.yaml")
	bin/okd-lab agent-config --masters 3 --workers 0 >"$dir/agent-config.yaml"
	bin/okd-lab exec -- "$PWD/bin/okd-install" agent create image --dir "$dir" --release latest >"$dir/out" 2>&1
	while read -r name mac; do
		bin/okd-lab hosts create "$name" --mac "$mac"
		bin/okd-lab hosts media insert "$name" "$dir/agent.x86_64.iso"
	done < <(awk '$2 == "hostname:" { name = $3 } $1 == "macAddress:" { print name, $2 }' "$dir/agent-config.yaml")
	start=$SECONDS
	bin/okd-lab hosts power on master-0 master-1 master-2
	bin/okd-lab exec -- "$PWD/bin/okd-install" agent wait-for install-complete --dir "$dir" >>"$dir/out" 2>&1 &
	local waiting=$!
	while kill -0 "$waiting" 2>/dev/null; do
		rss=$(agent_rss master-0 || true) # the rendezvous host, until it reboots
		((${rss:-0} <= top)) || top=$rss
		sleep 3
	done
	wait "$waiting" || {
		cat "$dir/out" >&2
		return 1
	}
	echo '| Installation of three hosts, powered on to complete | |'
	echo '|---|---|'
	bin/okd-lab exec -- "$PWD/bin/okd-install" status --dir "$dir" --phases | awk '{ printf "| %s | %s |\n", $1, $NF }'
	echo "| hosts on to install complete | $((SECONDS - start)) s |"
	echo "| peak RSS of the node agent on the rendezvous host | $top MiB |"
}

case "${1:-5}" in
install) installation ;;
*[!0-9]*)
	echo "usage: $0 [runs|install]" >&2
	exit 2
	;;
*) images "${1:-5}" ;;
esac
