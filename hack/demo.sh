#!/usr/bin/env bash
# The demo: a data centre on this machine and a cluster in it.
#   hack/demo.sh up [WAY]   set up and start the lab, install a cluster and keep it running
#   hack/demo.sh down       remove everything that up made, in any state
# WAY is ovirt, for virtual machines on the lab's engine; agent, for physical hosts that boot
# one image; or metal, for hosts whose BMCs the installer drives. The environment variable
# VIRT=off leaves out virtualization and its VM.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/_demo
config=$dir/auth/kubeconfig
way=${2:-ovirt}
virt=${VIRT:-on}
vm=docs/user/examples/virtualization/vm.yaml

say() { printf '\n== %s\n' "$*"; }

build() {
	make --no-print-directory build
}

# The cluster's names resolve inside the lab only.
installer() { bin/okd-lab exec -- "$PWD/bin/okd-install" "$@"; }

kube() { bin/okd-lab exec -- kubectl --kubeconfig "$config" "$@"; }

with_virt() { [ "$virt" = on ]; }

nodes_ready() {
	[ -s "$config" ] &&
		kube --request-timeout=5s wait --for=condition=Ready node --all --timeout=5s >/dev/null 2>&1 &&
		installer status --dir "$dir" --quiet >/dev/null 2>&1
}

vm_ready() {
	kube --request-timeout=5s wait --for=condition=Ready vmi/hello --timeout=5s >/dev/null 2>&1
}

# other_way reports whether the directory has the inputs of the other kind of cluster.
other_way() {
	local there=$way
	[ ! -s "$dir/install-config.yaml" ] || there=ovirt
	! grep -q bootMACAddress "$dir/install-config.yaml" 2>/dev/null || there=metal
	[ ! -s "$dir/agent-config.yaml" ] || there=agent
	[ "$way" != "$there" ]
}

next_steps() {
	local machines='bin/okd-lab machines --help    power machines on and off'
	if [ "$way" != ovirt ]; then
		machines='bin/okd-lab hosts console --follow master-0'
		machines+=$'\nbin/okd-lab hosts --help       power hosts on and off, insert media, break them'
	fi
	say 'Nodes'
	kube get nodes -o wide
	say 'Versions'
	kube get clusterversion,clusteroperators
	if with_virt; then
		say 'Virtual machines'
		kube get vmi
		machines+=$'\nbin/okd-lab exec -- virtctl --kubeconfig $PWD/_demo/auth/kubeconfig console hello'
		machines+='    the console of the VM; Ctrl-] leaves it'
	fi
	say 'Time per phase'
	installer status --dir "$dir" --phases
	cat <<-EOF

		== Next steps
		bin/okd-lab exec -- kubectl --kubeconfig \$PWD/_demo/auth/kubeconfig get pods -A
		bin/okd-lab status             the lab: engine, registry, machines
		$machines
		bin/okd-lab exec -- \$PWD/bin/okd-install status --dir \$PWD/_demo
		make demo-down                 remove everything
	EOF
}

# input NAME COMMAND... makes an input with a command of the lab, unless it is there.
input() {
	[ -s "$dir/$1" ] || (umask 077 && bin/okd-lab "${@:2}" >"$dir/$1.new" && mv "$dir/$1.new" "$dir/$1")
}

# create_cluster installs the cluster, and goes on to virtualization.
create_cluster() {
	if with_virt; then
		input virtualization.yaml virtualization-config
	fi
	installer create cluster --dir "$dir" --release latest --virtualization "$virt"
}

# start_vm starts a VM and moves it to another node.
start_vm() {
	say 'Start a VM, and move it to another node while it runs'
	kube apply --filename "$vm"
	kube wait --for=create vmi/hello --timeout=1m
	kube wait --for=condition=AgentConnected vmi/hello --timeout=5m
	kube get vmi
	bin/okd-lab exec -- virtctl --kubeconfig "$config" migrate hello
	kube wait --for='jsonpath={.status.phase}=Succeeded' vmim --all --timeout=5m
}

install_ovirt() {
	input install-config.yaml install-config
	say 'Install a cluster'
	create_cluster
}

# The hosts of agent-config.yaml: a name and a MAC address each.
hosts() {
	awk '$1 == "-" && $2 == "hostname:" { name = $3 } $1 == "macAddress:" { print name, $2 }' "$dir/agent-config.yaml"
}

# host_state prints the state of a host, nothing if there is none.
host_state() { bin/okd-lab hosts list | awk -v name="$1" '$1 == name { print $2 }'; }

install_agent() {
	local size=(--masters 3 --workers 0) name mac made=''
	# The other file first: it tells the ways apart.
	input agent-config.yaml agent-config "${size[@]}"
	input install-config.yaml install-config --platform baremetal "${size[@]}"
	while read -r name mac; do
		[ -n "$(host_state "$name")" ] || bin/okd-lab hosts create "$name" --mac "$mac"
	done < <(hosts)
	# Hosts that are on go on with the image that they have.
	while read -r name mac; do
		[ "$(host_state "$name")" = down ] || continue
		if [ -z "$made" ]; then
			say 'Make the image'
			installer agent create image --dir "$dir" --release latest </dev/null
			made=yes
		fi
		bin/okd-lab hosts media insert "$name" "$dir/agent.x86_64.iso"
		bin/okd-lab hosts power on "$name"
	done < <(hosts)
	say 'Install a cluster on three hosts'
	installer agent wait-for install-complete --dir "$dir"
	if with_virt; then
		input virtualization.yaml virtualization-config
		say 'Deploy virtualization'
		installer virtualization deploy --dir "$dir"
	fi
}

install_metal() {
	local size=(--masters 3 --workers 0) name
	for name in master-0 master-1 master-2; do
		[ -n "$(host_state "$name")" ] || bin/okd-lab hosts create "$name" --bmc idrac9
	done
	input install-config.yaml install-config --platform baremetal "${size[@]}"
	say 'Install a cluster on three hosts, through their BMCs'
	create_cluster
}

up() {
	if [ "$(id -u)" -ne 0 ]; then
		echo 'make demo needs root, to create network namespaces and start machines' >&2
		exit 1
	fi
	if ! command -v go >/dev/null; then
		echo 'make demo needs Go 1.26 or later on the PATH' >&2
		exit 1
	fi
	if bin/okd-lab status >/dev/null 2>&1 && other_way; then
		echo "a demo of another way than $way is there; make demo-down removes it" >&2
		exit 1
	fi
	local start=$SECONDS
	if [ -x bin/okd-lab ] && [ -x bin/okd-install ] && bin/okd-lab status >/dev/null 2>&1 && nodes_ready &&
		{ ! with_virt || vm_ready; }; then
		echo 'The demo cluster is already up.'
		next_steps
		return
	fi
	say 'Build'
	build
	say 'Set up the lab (packages, OS image, release, KubeVirt: cached)'
	local parts=()
	! with_virt || parts=(--virtualization)
	bin/okd-lab setup "${parts[@]}"
	say 'Start the lab'
	# The files of an installation in an earlier lab describe machines that are gone.
	bin/okd-lab status >/dev/null 2>&1 || rm -rf "$dir"
	bin/okd-lab up
	mkdir -p "$dir"
	"install_$way"
	! with_virt || start_vm
	next_steps
	say "Demo ready after $((SECONDS - start)) s"
}

down() {
	if [ -x bin/okd-lab ] || build; then
		bin/okd-lab down
	fi
	rm -rf "$dir"
	echo 'The demo has been removed.'
}

case $virt in
on | off) ;;
*)
	echo "VIRT is on or off, not $virt" >&2
	exit 2
	;;
esac
case "${1:-}:$way" in
up:ovirt | up:agent | up:metal) up ;;
up:*)
	echo "unknown way $way of installing; there are ovirt, agent and metal" >&2
	exit 2
	;;
down:*) down ;;
*)
	echo "usage: $0 up [ovirt|agent|metal] | down" >&2
	exit 2
	;;
esac
