#!/usr/bin/env bash
# Writes service records: what ran on this host and how it ended, one JSON array
# per service. The installer shows them while it waits, and `analyze` reads them in
# a log bundle. Sourced by the services' scripts.

RECORDS="${OKD_RECORDS:-/var/log/openshift}"
# A service that retries forever must not fill the disk.
RECORDS_KEPT=400

# record SERVICE PHASE [STAGE [RESULT [WHERE [MESSAGE]]]]
record() {
    local file="$RECORDS/$1.json" time
    mkdir -p "$RECORDS"
    TZ=UTC0 printf -v time '%(%Y-%m-%dT%H:%M:%S)T' "${EPOCHREALTIME%[.,]*}"
    (
        flock 9
        # Start a new file if there is none or a crash has damaged it.
        if ! add_record "$file" "$@" 2>/dev/null; then
            echo '[]' >"$file"
            add_record "$file" "$@"
        fi
        mv -f "$file.new" "$file"
    ) 9>"$RECORDS/.$1.lock"
}

add_record() { # FILE SERVICE PHASE [STAGE [RESULT [WHERE [MESSAGE]]]]
    jq --compact-output --exit-status --arg time "$time.${EPOCHREALTIME#*[.,]}Z" --arg phase "$3" \
        --arg stage "${4:-}" --arg result "${5:-}" --arg line "${6:-}" --arg message "${7:-}" \
        --argjson kept "$RECORDS_KEPT" '
        arrays + [{timestamp: $time, phase: $phase}
            + (if $stage == "" then {} else {stage: $stage} end)
            + (if $result == "" then {} else {result: $result} end)
            + (if $line == "" then {} else {errorLine: $line} end)
            + (if $message == "" then {} else
                {(if $result == "failure" then "errorMessage" else "note" end): $message} end)]
        | .[-$kept:]' "$1" >"$1.new"
}

# last_words FILE prints the last line with text, short enough for a record.
last_words() {
    tail -c 4096 "$1" 2>/dev/null | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-600 || true
}
