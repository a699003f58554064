#!/bin/bash
# Takes the configuration of this host from a medium that has been made with
# `agent create config-image`. It fails until there is one, and is started again then.
set -euo pipefail

label=/dev/disk/by-label/agent_configimage
release=/etc/okd-agent/release-image

if [ ! -e "$label" ]; then
	echo "okd-agent: waiting for a medium with the label agent_configimage" >&2
	exit 1
fi
work="$(mktemp -d)"
trap 'umount "$work/medium" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/medium" "$work/config"
mount -o ro "$label" "$work/medium"
gzip -dc "$work/medium/config.gz" | cpio --quiet -idm --no-absolute-filenames -D "$work/config"
umount "$work/medium"

if ! cmp -s "$work/config$release" "$release"; then
	echo "okd-agent: the medium is for release $(cat "$work/config$release"), but this system was made for" \
		"$(cat "$release"): make the config image again, with --release" >&2
	exit 1
fi
cd "$work/config"
find . -type f ! -path ".$release" ! -path ./etc/okd-agent/config.json -print0 | while IFS= read -r -d '' file; do
	install -D -m "$(stat -c %a "$file")" "$file" "/$file"
done
# Last, because it says that the configuration is complete.
install -D -m 0600 etc/okd-agent/config.json /etc/okd-agent/config.json

systemctl daemon-reexec # for a proxy
systemctl restart okd-agent-network.service
systemctl try-restart NetworkManager.service chronyd.service
systemctl start --no-block okd-agent.service okd-agent-console.service okd-agent-console@ttyS0.service
