#!/usr/bin/env bash
# Collects the logs and state of one host (units, journals, containers, network)
# in a directory. Without an argument it writes the directory to stdout as a
# compressed tar archive. Runs as root, with the programs of CoreOS, and continues
# if something is missing.
set -uo pipefail

if [ $# -gt 0 ]; then
    out="$1"
else
    out="$(mktemp -d)"
    trap 'rm -rf "$out"' EXIT
fi

UNITS="node-image-prepare node-image-pull node-image-overlay release-image crio-configure crio kubelet bootkube approve-csr progress
    nodeip-configuration machine-config-daemon-firstboot machine-config-daemon-pull keepalived NetworkManager systemd-networkd chronyd"
# Keep the end of each log.
LINES_KEPT=20000 BYTES_KEPT=2000000

# keep FILE COMMAND... writes the output of a command, which may fail or hang.
keep() {
    local file="$out/$1"
    shift
    mkdir -p "${file%/*}"
    timeout 20 "$@" >"$file" 2>&1 || echo "($1 ended with code $?)" >>"$file"
}

keep failed-units.txt systemctl --failed --no-legend --no-pager
for unit in $UNITS; do
    systemctl cat "$unit.service" >/dev/null 2>&1 || continue
    keep "unit-status/$unit.txt" systemctl status --full --no-pager "$unit.service"
    keep "journals/$unit.log" journalctl --no-pager --output=short-precise --lines="$LINES_KEPT" --unit="$unit.service"
done
keep journals/kernel.log journalctl --no-pager --output=short-precise --lines="$LINES_KEPT" --dmesg
keep journals/units.txt systemctl list-units --all --no-pager --no-legend

keep network/ip-addr ip address
keep network/ip-route ip route show table all
keep network/sockets ss --tcp --udp --listening --numeric --processes
keep network/resolv.conf cat /etc/resolv.conf
keep network/hostname cat /proc/sys/kernel/hostname

keep containers/podman.txt podman ps --all --no-trunc
if command -v crictl >/dev/null; then
    keep containers/crictl.txt crictl ps --all
    keep pods/crictl.txt crictl pods
fi
# Both CRI-O and containerd write the logs of containers here.
find /var/log/pods -type f -name '*.log' 2>/dev/null | while read -r log; do
    name="${log#/var/log/pods/}"
    keep "containers/${name//\//_}" tail --bytes="$BYTES_KEPT" "$log"
done
keep disk.txt df --human-readable

if [ $# -eq 0 ]; then
    tar --create --gzip --directory "$out" .
fi
