#!/usr/bin/env bash
# Writes the OS and the finished configuration of a single node from memory to its
# disk, and reboots from there.
set -euo pipefail

LIB="${OKD_LIB:-/usr/local/bin}"
# shellcheck source=bootstrap-service-record.sh
. "$LIB/bootstrap-service-record.sh"

ASSETS="${OKD_ASSETS:-/opt/openshift}"
DONE="$ASSETS/.install-to-disk.done"
stage=install-to-disk
disk="$(cat "$ASSETS/bootstrap-in-place/installation-disk")"

write_disk() {
    if ! lsblk --nodeps --noheadings "$disk"; then
        echo "bootstrapInPlace.installationDisk is $disk, and there is no such disk; there are: $(
            lsblk --nodeps --noheadings --output PATH,SIZE,MODEL,SERIAL 2>&1 | tr -s ' ' | paste --serial --delimiters ','
        )"
        return 1
    fi
    coreos-installer install -i "$ASSETS/master.ign" "$disk"
    sync
}

until [ -e "$ASSETS/.bootkube.done" ]; do
    sleep 1
done
record install-to-disk "service start"
if [ ! -e "$DONE" ]; then
    record install-to-disk "stage start" "$stage"
    output="$(mktemp)"
    trap 'rm -f "$output"' EXIT
    # Not in a condition, where bash ignores "set -e".
    (write_disk 2>&1 | tee "$output") &
    code=0
    wait $! || code=$?
    if [ "$code" -ne 0 ]; then
        record install-to-disk "stage end" "$stage" failure install-to-disk.sh "$(last_words "$output")"
        record install-to-disk "service end" "" failure install-to-disk.sh "writing to $disk failed"
        exit 1
    fi
    : >"$DONE"
    record install-to-disk "stage end" "$stage" success
fi
record install-to-disk "service end" "" success
echo "written to $disk; rebooting"
systemctl reboot
