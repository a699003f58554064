#!/usr/bin/env bash
# The demo: a data centre on this machine and a cluster in it.
#   hack/demo.sh up     set up and start the lab, install a cluster and keep it running
#   hack/demo.sh down   remove everything that up made, in any state
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/_demo
config=$dir/auth/kubeconfig

say() { printf '\n== %s\n' "$*"; }

build() {
	make --no-print-directory build
}

# The cluster's names resolve inside the lab only.
installer() { bin/okd-lab exec -- "$PWD/bin/okd-install" "$@"; }

nodes_ready() {
	[ -s "$config" ] &&
		bin/okd-lab exec -- kubectl --kubeconfig "$config" --request-timeout=5s wait --for=condition=Ready \
			node --all --timeout=5s >/dev/null 2>&1 &&
		installer status --dir "$dir" --quiet >/dev/null 2>&1
}

next_steps() {
	say 'Nodes'
	bin/okd-lab exec -- kubectl --kubeconfig "$config" get nodes -o wide
	say 'Versions'
	bin/okd-lab exec -- kubectl --kubeconfig "$config" get clusterversion,clusteroperators
	say 'Time per phase'
	installer status --dir "$dir" --phases
	cat <<-EOF

		== Next steps
		bin/okd-lab exec -- kubectl --kubeconfig \$PWD/_demo/auth/kubeconfig get pods -A
		bin/okd-lab status             the lab: engine, registry, machines
		bin/okd-lab machines --help    power machines on and off
		bin/okd-lab exec -- \$PWD/bin/okd-install status --dir \$PWD/_demo
		make demo-down                 remove everything
	EOF
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
	local start=$SECONDS
	if [ -x bin/okd-lab ] && [ -x bin/okd-install ] && bin/okd-lab status >/dev/null 2>&1 && nodes_ready; then
		echo 'The demo cluster is already up.'
		next_steps
		return
	fi
	say 'Build'
	build
	say 'Set up the lab (packages, OS image, release: cached)'
	bin/okd-lab setup
	say 'Start the lab'
	# The files of an installation in an earlier lab describe machines that are gone.
	bin/okd-lab status >/dev/null 2>&1 || rm -rf "$dir"
	bin/okd-lab up
	mkdir -p "$dir"
	if [ ! -s "$dir/install-config.yaml" ]; then
		(umask 077 && bin/okd-lab install-config >"$dir/install-config.yaml")
	fi
	say 'Install a cluster'
	installer create cluster --dir "$dir" --release latest
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

case "${1:-}" in
up) up ;;
down) down ;;
*)
	echo "usage: $0 up|down" >&2
	exit 2
	;;
esac
