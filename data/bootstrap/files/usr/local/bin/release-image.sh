#!/usr/bin/env bash
# Functions for the release image and its components. Sourced.

ASSETS="${OKD_ASSETS:-/opt/openshift}"
RUN_DIR="${OKD_RUN:-/run/okd-bootstrap}"
AUTHFILE="${OKD_AUTHFILE:-/root/.docker/config.json}"

# release_image prints the pull spec of the release image: by digest, once it has
# been pulled.
release_image() {
    cat "$ASSETS/release-image.digest" 2>/dev/null || cat "$ASSETS/release-image"
}

# image_for TAG prints the pull spec of a component and fails if there is none.
image_for() {
    jq --exit-status --raw-output --arg tag "$1" \
        'first(.spec.tags[] | select(.name == $tag)).from.name' "$ASSETS/image-references"
}

# pull_image SPEC pulls an image unless it exists. If several callers want the same
# image at the same time, one of them pulls it.
pull_image() {
    local key="${1//[^a-zA-Z0-9]/_}"
    mkdir -p "$RUN_DIR/pulled"
    (
        flock 8
        if [ -e "$RUN_DIR/pulled/$key" ]; then
            exit 0
        fi
        if ! podman image exists "$1"; then
            podman pull --quiet --authfile "$AUTHFILE" "$1" >/dev/null || exit 1
        fi
        : >"$RUN_DIR/pulled/$key"
    ) 8>"$RUN_DIR/pulled/.$key.lock"
}

# image_by_digest SPEC prints the pull spec with the digest of a pulled image, so
# that the image stays the same when the tag moves.
image_by_digest() {
    case "$1" in
    *@sha256:*) echo "$1" ;;
    *) podman image inspect "$1" | jq --raw-output --arg spec "$1" '.[0] as $image
        | first($image.RepoDigests[]? | select(endswith("@" + $image.Digest))) // $spec' ;;
    esac
}

# read_release SPEC copies the references and the metadata out of the image. It
# mounts the image, which is faster than starting a container.
read_release() {
    local root name
    root="$(podman image mount "$1")" || return 1
    for name in release-metadata image-references; do
        cp "$root/release-manifests/$name" "$ASSETS/$name.new" || return 1
        jq --exit-status . "$ASSETS/$name.new" >/dev/null || return 1
        mv -f "$ASSETS/$name.new" "$ASSETS/$name"
    done
    podman image unmount "$1" >/dev/null || true
}
