#!/usr/bin/env bash
# Writes a log bundle with the logs and state of this host and of the API to
# stdout. The installer connects to the other hosts itself, so this host needs no
# key for them. What is missing is reported on stderr in a line "missing: ..."; the
# bundle contains the rest.
#
#   installer-gather.sh --id ID
set -uo pipefail

ASSETS="${OKD_ASSETS:-/opt/openshift}"
RECORDS="${OKD_RECORDS:-/var/log/openshift}"
LIB="${OKD_LIB:-/usr/local/bin}"

if [ "${1:-}" != --id ] || [ -z "${2:-}" ]; then
    echo "usage: installer-gather.sh --id ID" >&2
    exit 2
fi
bundle="log-bundle-$2"
top="$(mktemp -d)"
trap 'rm -rf "$top"' EXIT
out="$top/$bundle"
mkdir -p "$out"/{bootstrap/services,rendered-assets,resources}

say() {
    echo "$*" >&2
    echo "$*" >>"$out/gather.log"
}

say "gathering from the bootstrap host"
"$LIB/installer-masters-gather.sh" "$out/bootstrap" || say "missing: parts of the bootstrap host"
for part in failed-units.txt unit-status; do
    if [ -e "$out/bootstrap/$part" ]; then
        mv "$out/bootstrap/$part" "$out/"
    fi
done
cp "$RECORDS"/*.json "$out/bootstrap/services/" 2>/dev/null || say "missing: service records"
if [ -d "$RECORDS/stages" ]; then
    cp -R "$RECORDS/stages" "$out/bootstrap/"
fi

# Copy only files without keys, and list the names of the others.
say "gathering rendered assets"
(cd "$ASSETS" 2>/dev/null && find . -type f ! -path './.new*') | sort | while read -r file; do
    case "$file" in
    ./tls/*.key | ./auth/* | */tls/*.key | *kubeconfig*) ;;
    *.yaml | *.yml | *.json | *.crt | *.done | *.patch | */image-references | */release-*)
        if ! grep -qE '"?kind"?: *"?(Secret|MachineConfig|ControllerConfig)(List)?"?([,} ]|$)|PRIVATE KEY' "$ASSETS/$file"; then
            mkdir -p "$out/rendered-assets/$(dirname "$file")"
            cp "$ASSETS/$file" "$out/rendered-assets/$file"
            continue
        fi
        ;;
    esac
    echo "$file" >>"$out/rendered-assets/left-out.txt"
done

api() { timeout 20 oc --kubeconfig="$1" --request-timeout=10s "${@:2}"; }
kubeconfig=
for candidate in "$ASSETS/auth/kubeconfig-loopback" "$ASSETS/auth/kubeconfig"; do
    if [ -e "$candidate" ] && api "$candidate" get --raw /readyz >/dev/null 2>&1; then
        kubeconfig="$candidate"
        break
    fi
done
if [ -n "$kubeconfig" ]; then
    say "gathering resources"
    basename "$kubeconfig" >"$out/resources/source.txt"
    for kind in nodes pods events services endpoints namespaces certificatesigningrequests clusterversions.config.openshift.io \
        clusteroperators.config.openshift.io infrastructures.config.openshift.io machineconfigpools.machineconfiguration.openshift.io \
        etcds.operator.openshift.io kubeapiservers.operator.openshift.io kubecontrollermanagers.operator.openshift.io \
        kubeschedulers.operator.openshift.io; do
        api "$kubeconfig" get "$kind" --all-namespaces --output=json >"$out/resources/${kind%%.*}.json" 2>"$out/resources/error" ||
            say "missing: resource $kind: $(head -n 1 "$out/resources/error")"
    done
    rm -f "$out/resources/error"
else
    say "missing: resources: the API does not answer"
fi

tar --create --gzip --directory "$top" "$bundle"
