#!/usr/bin/env bash
# Installs the Debian packages that lint and tests need and okd-lab setup does not
# install. Does nothing if all are installed. Their services are never started.
set -euo pipefail

packages=(shellcheck jq ostree rsync openssl qemu-utils dnsmasq-base keepalived haproxy iproute2 nftables iptables conntrack
	bind9-dnsutils curl procps file gcc libc6-dev xorriso genisoimage isolinux syslinux-utils fdisk cpio xz-utils
	mtools qemu-system-x86 ovmf
	network-manager python3-sushy)
# The services of a package, as package:unit. NetworkManager would take over the machine's
# network; tests only have nmcli read and write files.
services=(keepalived:keepalived.service haproxy:haproxy.service rsync:rsync.service
	network-manager:NetworkManager.service network-manager:NetworkManager-dispatcher.service
	network-manager:NetworkManager-wait-online.service)

missing=()
for name in "${packages[@]}"; do
	if [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
		missing+=("$name")
	fi
done
if [ "${#missing[@]}" -eq 0 ]; then
	exit 0
fi
echo "installing ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
	echo "this needs root; install them with: apt-get install ${missing[*]}" >&2
	exit 1
fi

# Mask the services before the installation, which would start them.
for service in "${services[@]}"; do
	unit=${service#*:}
	if [[ " ${missing[*]} " == *" ${service%%:*} "* ]] && [ ! -e "/etc/systemd/system/$unit" ]; then
		mkdir -p /etc/systemd/system
		ln -s /dev/null "/etc/systemd/system/$unit"
	fi
done

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
install() {
	apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}
install 2>/dev/null || {
	apt-get -o DPkg::Lock::Timeout=300 update -q >/dev/null # the package lists are missing or old
	install
}
