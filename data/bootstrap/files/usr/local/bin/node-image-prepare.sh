#!/usr/bin/env bash
# Finds the node image of the release, and labels the script that pulls it. This is
# a script of its own because with that label podman would have other rights.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=node-image.sh
. "$LIB/node-image.sh"

TOOL=/usr/bin/machine-config-osimagestream

# label gives the script the SELinux label of ostree: an unconfined service must
# not start rpm-ostree, which implements "ostree container".
label() {
    [ ! -e "$SELINUX" ] || chcon --reference=/usr/bin/ostree "$LIB/node-image-pull.sh"
}

find_image() {
    local spec
    if [ ! -e "$ASSETS/image-references" ]; then
        echo "the release image has not been pulled yet; see journalctl -u release-image"
        return 1
    fi
    spec="$(name_image)" || return 1
    if [[ ! "$spec" =~ ^[^[:space:]]+[@:][^[:space:]]+$ ]]; then
        echo "the node image of the release is not a pull spec: '$spec'"
        return 1
    fi
    echo "node image $spec"
    echo "$spec" >"$SPEC.new" || return 1
    mv -f "$SPEC.new" "$SPEC"
}

# name_image prints the pull spec. From 5.0 on a release may have several OS images,
# and a tool of the machine config operator selects the default.
name_image() {
    local mco root has=
    if mco="$(image_for machine-config-operator)"; then
        pull_image "$mco" >&2 || return 1
        root="$(podman image mount "$mco")" || return 1
        if [ -x "$root$TOOL" ] || [ -L "$root$TOOL" ]; then has=yes; fi
        podman image unmount "$mco" >/dev/null || true
        if [ -n "$has" ]; then
            ask "$mco"
            return
        fi
    fi
    image_for stream-coreos || image_for rhel-coreos || {
        echo "the release has no node image (stream-coreos)" >&2
        return 1
    }
}

# ask MCO_IMAGE runs the tool, which reads the images' labels, with this host's
# mirrors, login and CAs.
ask() {
    local path mounts=() args=()
    for path in /etc/containers/registries.conf:--registry-config \
        /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem:--trust-bundle; do
        if [ -e "$ROOT${path%:*}" ]; then
            mounts+=(--volume "$ROOT${path%:*}:${path%:*}:ro")
            args+=("${path##*:}" "${path%:*}")
        fi
    done
    podman run --quiet --rm --replace --name node-image-name --pull=never --log-driver=none --net=host \
        --user 0 --security-opt label=disable --entrypoint "$TOOL" "${mounts[@]}" \
        --volume "$AUTHFILE:/tmp/auth.json:ro" --volume "$ASSETS/image-references:/tmp/image-references.json:ro" \
        "$1" get default-node-image --authfile /tmp/auth.json --imagestream /tmp/image-references.json "${args[@]}"
}

record node-image-pull "service start"
repeat label-node-image-script label
repeat find-node-image find_image
