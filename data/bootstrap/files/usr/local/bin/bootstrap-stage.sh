#!/usr/bin/env bash
# Functions for one stage: its arguments in this release, its run, and the copying
# of its results. Sourced by bootkube.sh after release-image.sh.

ROOT="${OKD_ROOT:-}"
STAGE_LOGS="$RECORDS/stages"
# Time limit for a command's --help (seconds). A container that hangs must not
# block the installation.
HELP_LIMIT="${OKD_HELP_LIMIT:-30}"

names=()
declare -A wants=() image=() required=() fatal=() output=() marker=() needs=() \
    options=() verb=() args=() optional=() optional_needs=() host=() copies=() clean=() remove=() note=()

# load_plan fills the tables above from the stages and the release.
load_plan() {
    jq --raw-output --arg release "$(release_image)" --slurpfile refs "$ASSETS/image-references" \
        --from-file "$LIB/bootstrap-plan.jq" "$ASSETS/stages.json" >"$RUN_DIR/plan.sh.new"
    mv -f "$RUN_DIR/plan.sh.new" "$RUN_DIR/plan.sh"
    # shellcheck source=/dev/null
    . "$RUN_DIR/plan.sh"
}

marker_of() { echo "$ASSETS/${marker[$1]:-$1.done}"; }
stage_done() { [ "${marker[$1]}" != none ] && [ -e "$(marker_of "$1")" ]; }
mark_done() { [ "${marker[$1]}" = none ] || : >"$(marker_of "$1")"; }

# prefetch pulls the images of later stages while the first ones run.
prefetch() {
    local name first i pending=()
    for name in "${names[@]}"; do
        if [ "${state[$name]}" = pending ] && [ -n "${image[$name]}" ]; then
            pending+=("${image[$name]}")
        fi
    done
    for first in 0 1; do
        (
            for ((i = first; i < ${#pending[@]}; i += 2)); do
                pull_image "${pending[i]}" || true
            done
        ) >/dev/null 2>&1 &
        prefetchers+=($!)
    done
}

# flags_file STAGE prints the path of the file with the flags of the stage's
# command, one per image and command.
flags_file() {
    local key
    key="$(printf '%s\n' "${image[$1]}" "${options[$1]}" "${verb[$1]}" | sha256sum)"
    echo "$RUN_DIR/flags/${key%% *}"
}

# ask_flags STAGE reads the command's help text and stores the names of its flags,
# one per line. A text without any of the stage's known flags is not a help text
# and is not stored.
ask_flags() {
    local name="$1" file words=() podman=() plain
    file="$(flags_file "$name")"
    [ ! -e "$file" ] || return 0
    mkdir -p "${file%/*}"
    eval "words=(${verb[$name]})"
    eval "podman=(${options[$name]})"
    pull_image "${image[$name]}" || return 1
    timeout "$HELP_LIMIT" podman run --quiet --rm --replace --name "$name-help" --pull=never --log-driver=none \
        --net=none "${podman[@]}" "${image[$name]}" "${words[@]}" --help >"$file.text.$name" 2>&1 </dev/null || {
        cat "$file.text.$name"
        return 1
    }
    sed -nE 's/^[[:space:]]+(-[[:alnum:]], )?--?([[:alnum:]][[:alnum:]._-]*).*/\2/p' "$file.text.$name" >"$file.new.$name"
    eval "words=(${args[$name]})"
    for plain in "${words[@]}"; do
        if [[ "$plain" == --* ]] && grep -qxF -e "$(flag_name "$plain")" "$file.new.$name"; then
            mv -f "$file.new.$name" "$file"
            return 0
        fi
    done
    echo "the help text names none of the flags that are known: $(last_words "$file.text.$name")"
    return 1
}

flag_name() {
    local flag="${1#--}"
    echo "${flag%%=*}"
}

# choose_flags STAGE adds the optional arguments that the command has, and notes
# the ones that were left out. Without a help text all are left out: every release
# works without them.
choose_flags() {
    local name="$1" file words=() arg left=() taken=''
    file="$(flags_file "$name")"
    eval "words=(${optional[$name]})"
    for arg in "${words[@]}"; do
        if [ -e "$file" ] && grep -qxF -e "$(flag_name "$arg")" "$file"; then
            args["$name"]+=" ${arg@Q}"
            taken=yes
        else
            left+=("--$(flag_name "$arg")")
        fi
    done
    [ -z "$taken" ] || needs["$name"]+="${optional_needs[$name]:+ ${optional_needs[$name]}}"
    if [ "${#left[@]}" -eq 0 ]; then
        return 0
    elif [ -e "$file" ]; then
        note["$name"]="left out, because this release does not take it: ${left[*]}"
    else
        note["$name"]="left out, because the command did not say what it takes ($(last_words "$STAGE_LOGS/$name-help.log")): ${left[*]}"
    fi
}

# run_stage renders: it changes only the stage's output directory.
run_stage() {
    local name="$1" path listed dir="${output[$1]:-$1}" words=() podman=()
    [ ! -e "$ASSETS/$name.rendered" ] || return 0
    while IFS='|' read -r path listed; do
        [ -z "$path" ] || clean_path "$ROOT$path" "$listed"
    done <<<"${clean[$name]}"
    if [ -n "${host[$name]}" ]; then
        eval "words=(${host[$name]})"
        "${words[@]}"
    elif [ -n "${image[$name]}" ]; then
        if [ "$dir" != none ]; then
            rm -rf "${ASSETS:?}/$dir"
            mkdir -p "$ASSETS/$dir"
        fi
        eval "words=(${args[$name]})"
        eval "podman=(${options[$name]})"
        pull_image "${image[$name]}"
        # The host's network, because renderers use its name and addresses. --replace
        # removes a container that outlived a killed run of this script.
        podman run --quiet --rm --replace --name "$name" --pull=never --log-driver=none --net=host \
            --volume "$ASSETS:/assets:z" "${podman[@]}" "${image[$name]}" "${words[@]}"
    fi
    # Rendering again would make other keys than those already copied.
    if [ -n "${copies[$name]}" ]; then
        : >"$ASSETS/$name.rendered"
    fi
}

# commit_stage copies results to where they are used.
commit_stage() {
    local name="$1" from to must path
    while IFS='|' read -r from to must; do
        [ -z "$from" ] || install_path "$ASSETS/$from" "$(at_root "$to")" "$must"
    done <<<"${copies[$name]}"
    while read -r path; do
        [ -z "$path" ] || rm -f "$ROOT$path"
    done <<<"${remove[$name]}"
    mark_done "$name"
    rm -f "$ASSETS/$name.rendered"
}

at_root() {
    case "$1" in
    /opt/openshift/*) echo "$ASSETS/${1#/opt/openshift/}" ;;
    *) echo "$ROOT$1" ;;
    esac
}

clean_path() { # PATH [DIRECTORY: only the names in it]
    local file
    if [ -z "$2" ]; then
        rm -rf "$1"
        return
    fi
    for file in "$ASSETS/$2"/*; do
        rm -f "$1/${file##*/}"
    done
}

install_path() { # FROM TO REQUIRED
    if [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; then
        install_tree "$1" "$2"
    elif [ -f "$1" ]; then
        mkdir -p "${2%/*}"
        cp "$1" "${2%/*}/.new-${2##*/}"
        mv -f "${2%/*}/.new-${2##*/}" "$2"
    elif [ "$3" = true ]; then
        echo "nothing was rendered in $1" >&2
        return 1
    fi
}

# install_tree copies beside the target and renames file by file, so that a reader
# (the kubelet) never sees an incomplete file. Directories named manifests come
# last, so that static pods start after the files that they mount.
install_tree() {
    local new="${2%/*}/.new-${2##*/}.tree" dir
    rm -rf "$new"
    mkdir -p "$2" "$new"
    cp -R "$1/." "$new"
    while IFS= read -r -d '' dir; do
        mkdir -p "$2${dir#"$new"}"
        find "$dir" -maxdepth 1 ! -type d -exec mv -f -t "$2${dir#"$new"}" {} +
    done < <(
        find "$new" -type d ! -path "$new/manifests*" ! -path "$new/*/manifests*" -print0
        find "$new" -type d \( -path "$new/manifests*" -o -path "$new/*/manifests*" \) -print0
    )
    rm -rf "$new"
}
