#!/usr/bin/env bash
# Paths of the node image on this host. Sourced by node-image-*.sh, after
# bootstrap-service-record.sh and release-image.sh.
# shellcheck disable=SC2034 # used by these scripts

ROOT="${OKD_ROOT:-}"
# Notes of the scripts and, on a live system, the whole image, in memory.
NODE_IMAGE="$ROOT/var/nodeimage"
SPEC="$NODE_IMAGE/spec" # pull spec of the image
KEPT="$NODE_IMAGE/kept" # changed settings in /etc

# Checkout and repository are on the same file system, so that hard links need no
# additional space.
LIVE=
REPO="$ROOT/ostree/repo"
TARGET="$REPO/tmp/okd-node-image"
if [ -e "$ROOT/run/ostree-live" ]; then
    # The system's own repository is on the medium.
    LIVE=yes
    REPO="$NODE_IMAGE/repo"
    TARGET="$NODE_IMAGE/checkout"
fi

SELINUX="$ROOT/sys/fs/selinux/enforce"

# repeat STAGE COMMAND... retries a command until it succeeds, and records its
# failures. If the service ended, the services that wait for it would fail.
repeat() {
    local stage="$1" output pause=1
    shift
    mkdir -p "$NODE_IMAGE" "$RUN_DIR"
    output="$RUN_DIR/$stage.log"
    record node-image-pull "stage start" "$stage"
    until "$@" >"$output" 2>&1; do
        cat "$output" >&2
        record node-image-pull "stage end" "$stage" failure "${0##*/}" "$(reason "$output")"
        sleep "$pause"
        pause=$((pause < 8 ? pause * 2 : 10))
        record node-image-pull "stage start" "$stage"
    done
    cat "$output" >&2
    record node-image-pull "stage end" "$stage" success
}

# reason FILE prints why a command failed.
reason() {
    local said free at="${REPO%/*}"
    said="$(last_words "$1")"
    if grep --quiet --ignore-case --extended-regexp 'no space left on device|min-free-space' "$1"; then
        [ -e "$at" ] || at="$ROOT/"
        free="$(df --output=avail --block-size=1M "$at" 2>/dev/null | tail -n 1 | tr -d ' ')" || free=
        if [ -n "$LIVE" ]; then
            echo "memory for the node image is full (${free:-?} MiB left in $at): give this host 16 GiB or more. $said"
        else
            echo "the disk is full (${free:-?} MiB left at $at): give the bootstrap host a disk of 100 GiB. $said"
        fi
        return
    fi
    echo "${said:-no reason given}"
}
