#!/usr/bin/env bash
# Runs the stages of /opt/openshift/stages.json. Stages whose needs are met are
# rendered in parallel; their results are copied one after the other, in the order
# of the file. It may be killed at any moment and started again: stages with a
# marker are not repeated, and files get their names when they are complete.
set -euo pipefail
# Give every job a process group, so that all of it can be killed.
set -m

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"
# shellcheck source=release-image.sh
. "$LIB/release-image.sh"
# shellcheck source=bootstrap-stage.sh
. "$LIB/bootstrap-stage.sh"

# Only rendering uses CPU time; stages that wait do not count.
MAX_RENDERERS="${OKD_MAX_RENDERERS:-3}"

declare -A state=() jobs=()
renderers=0
prefetchers=()

finish() {
    local code=$?
    trap - EXIT
    local pid
    for pid in "${!jobs[@]}" "${prefetchers[@]}"; do
        kill -- "-$pid" 2>/dev/null || true
    done
    if [ "$code" -eq 0 ]; then
        record bootkube "service end" "" success
    else
        record bootkube "service end" "" failure "${failed_at:-bootkube.sh}" "${failure:-ended with code $code}"
    fi
    exit "$code"
}

give_up() { # STAGE
    failed_at="stage $1"
    failure="$(last_words "$STAGE_LOGS/$1.log")"
    exit 1
}

needs_met() {
    local need
    for need in ${needs[$1]}; do
        [ "${state[$need]}" = settled ] || return 1
    done
}

# launch starts the part of a stage that affects nothing else.
launch() {
    if [ -n "${wants[$1]}" ]; then
        [ "$renderers" -lt "$MAX_RENDERERS" ] || return 0
        renderers=$((renderers + 1))
    fi
    record bootkube "stage start" "$1"
    (
        # In the background and not in a condition, where bash ignores "set -e".
        (run_stage "$1" 2>&1 | tee "$STAGE_LOGS/$1.log") &
        code=0
        wait $! || code=$?
        echo "$1 $code" >&7
    ) &
    jobs[$!]=$1
    state[$1]=running
}

# ask finds out in the background which optional arguments a stage's command has.
ask() {
    (
        (ask_flags "$1" >"$STAGE_LOGS/$1-help.log" 2>&1) &
        code=0
        wait $! || code=$?
        echo "$1 $code" >&7
    ) &
    jobs[$!]=$1
    state[$1]=asking
}

ask_all() {
    local name
    for name in "${names[@]}"; do
        if [ "${state[$name]}" = pending ] && [ -n "${optional[$name]}" ] && [ ! -e "$ASSETS/$name.rendered" ]; then
            ask "$name"
        fi
    done
}

start_ready() {
    local name
    for name in "${names[@]}"; do
        if [ "${state[$name]}" = pending ] && needs_met "$name"; then
            launch "$name"
        fi
    done
}

# retire copies what was rendered, up to the first stage that is not ready. Stages
# with nothing to copy do not delay others.
retire() {
    local name held=
    for name in "${names[@]}"; do
        case "${state[$name]}" in
        settled) continue ;;
        rendered) ;;
        *)
            [ -z "${copies[$name]}" ] || held=yes
            continue
            ;;
        esac
        if [ -n "$held" ] && [ -n "${copies[$name]}" ]; then
            continue
        fi
        (commit_stage "$name" >>"$STAGE_LOGS/$name.log" 2>&1) &
        if ! wait $!; then
            cat "$STAGE_LOGS/$name.log" >&2
            record bootkube "stage end" "$name" failure "stage $name" "$(last_words "$STAGE_LOGS/$name.log")"
            give_up "$name"
        fi
        state[$name]=settled
        record bootkube "stage end" "$name" success "" "${note[$name]:-}"
    done
}

ended() { # STAGE CODE
    if [ "${state[$1]}" = asking ]; then
        choose_flags "$1"
        state[$1]=pending
        return
    fi
    [ -z "${wants[$1]}" ] || renderers=$((renderers - 1))
    if [ "$2" -eq 0 ]; then
        state[$1]=rendered
        return
    fi
    record bootkube "stage end" "$1" failure "stage $1, exit code $2" "$(last_words "$STAGE_LOGS/$1.log")"
    [ "${fatal[$1]}" = false ] || give_up "$1"
    state[$1]=settled
}

# next_end waits until a job reports its end, and sets ended_stage and ended_code.
# A job that was killed reports nothing and is detected one iteration later.
next_end() {
    local pid missed='' line='' piece=''
    ended_stage=
    # On a busy host the read may time out in the middle of a line.
    until IFS= read -r -t 1 piece <&7; do
        line+=$piece
        if [ -n "$missed" ] && ! kill -0 "$missed" 2>/dev/null; then
            ended_stage="${jobs[$missed]}" ended_code=137
            echo killed >>"$STAGE_LOGS/$ended_stage.log"
            break
        fi
        for pid in "${!jobs[@]}"; do
            kill -0 "$pid" 2>/dev/null || missed="$pid"
        done
    done
    [ -n "$ended_stage" ] || read -r ended_stage ended_code <<<"$line$piece"
    for pid in "${!jobs[@]}"; do
        if [ "${jobs[$pid]}" = "$ended_stage" ]; then
            unset "jobs[$pid]"
        fi
    done
}

# decide marks the stages that have nothing to do.
decide() {
    local name
    for name in "${names[@]}"; do
        state[$name]=pending
        if stage_done "$name"; then
            rm -f "$ASSETS/$name.rendered" # of a run that was killed right after the marker
            state[$name]=settled
        elif [ -n "${wants[$name]}" ] && [ -z "${image[$name]}" ]; then
            if [ "${required[$name]}" = true ]; then
                echo "the release has no image ${wants[$name]}" >"$STAGE_LOGS/$name.log"
                record bootkube "stage end" "$name" failure "stage $name" "the release has no image ${wants[$name]}"
                give_up "$name"
            fi
            mark_done "$name"
            state[$name]=settled
            record bootkube "stage end" "$name" success "" "skipped: the release has no image ${wants[$name]}"
        fi
    done
    drop_unneeded
}

# drop_unneeded drops stages without a marker if all stages that need them are
# done: what they wait for may be gone.
drop_unneeded() {
    local i name other pending needed
    for ((i = ${#names[@]} - 1; i >= 0; i--)); do
        name="${names[i]}"
        [ "${marker[$name]} ${state[$name]}" = "none pending" ] || continue
        needed='' pending=''
        for other in "${names[@]}"; do
            case " ${needs[$other]} " in
            *" $name "*)
                needed=yes
                [ "${state[$other]}" = settled ] || pending=yes
                ;;
            esac
        done
        if [ -n "$needed" ] && [ -z "$pending" ]; then
            state[$name]=settled
        fi
    done
}

unfinished() {
    local name
    for name in "${names[@]}"; do
        [ "${state[$name]}" = settled ] || return 0
    done
    return 1
}

main() {
    mkdir -p "$STAGE_LOGS" "$RUN_DIR" "$ASSETS/manifests" "$ASSETS/bootstrap-manifests" \
        "$ROOT"/etc/kubernetes/{manifests,bootstrap-configs,static-pod-resources} "$ROOT/etc/mcs/bootstrap"
    rm -f "$RUN_DIR/ended"
    mkfifo "$RUN_DIR/ended"
    exec 7<>"$RUN_DIR/ended"
    trap finish EXIT
    trap 'exit 143' TERM INT
    record bootkube "service start"
    load_plan
    decide
    ask_all
    prefetch
    while unfinished; do
        start_ready
        next_end
        ended "$ended_stage" "$ended_code"
        retire
    done
    : >"$ASSETS/.bootkube.done"
}

main
