#!/usr/bin/env bash
# The kubelet without an API server, for static pods only.
set -euo pipefail

options=(--config=/etc/kubernetes/kubelet.conf --container-runtime-endpoint=unix:///var/run/crio/crio.sock --v=2)
if [ -n "${NODE_IP:-}" ]; then
    options+=("--node-ip=$NODE_IP")
fi
mkdir -p /etc/kubernetes/manifests
exec /usr/bin/kubelet "${options[@]}"
