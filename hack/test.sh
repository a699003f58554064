#!/usr/bin/env bash
# The tests, in tiers.
#   hack/test.sh ci     lint, unit, contract and integration tests, one installation of each kind
#   hack/test.sh full   the same with all faults; writes docs/test-report.md
# With a regular expression behind it, only the steps that match are run, to repeat one,
# or to run the tier in parts.
# Needs root, and installs what is missing. No test skips itself.
set -euo pipefail
cd "$(dirname "$0")/.."
tier=${1:-ci}
case $tier in
ci) suite=short ;;
full) suite=full ;;
*)
	echo "usage: $0 ci|full [regular expression]" >&2
	exit 2
	;;
esac
only=${2:-}
work=$PWD/_test
mkdir -p "$work"

if [ "$(id -u)" -ne 0 ]; then
	echo 'the tests need root, to create network namespaces and start machines' >&2
	exit 1
fi

# The tests' own lab, beside that of a demo.
export OKD_LAB=${OKD_LAB:-test}

step() {
	local name=$1 start=$SECONDS
	shift
	[[ $name =~ $only ]] || return 0
	printf '\n== %s\n' "$name"
	if "$@"; then
		printf -- '-- %s: passed after %d s\n' "$name" $((SECONDS - start))
		results+=("| $name | passed | $((SECONDS - start)) s |")
	else
		results+=("| $name | failed | $((SECONDS - start)) s |")
		printf -- '-- %s: failed after %d s\n' "$name" $((SECONDS - start)) >&2
		return 1
	fi
}

down() { [ ! -x bin/okd-lab ] || bin/okd-lab down >/dev/null 2>&1 || true; }

report() {
	{
		echo '# Last full test run'
		echo
		[ -z "$only" ] || echo "Only the steps that match \`$only\`."$'\n'
		echo "Made by \`make test-full\` on $(date -u +%F) at commit $(git rev-parse --short HEAD), $(nproc) cores, Linux $(uname -r)."
		echo
		echo '| Step | Result | Time |'
		echo '|---|---|---|'
		printf '%s\n' "${results[@]}"
		echo
		echo '## Checks of the installations'
		echo
		grep -hE '^ *--- (PASS|FAIL):' "$work"/e2e.log | sed -E 's/^( *)--- (PASS|FAIL): ([^ ]+) \(([0-9.]+)s\)/\1* \2 \3, \4 s/'
		echo
		echo '## Figures'
		echo
		sed -nE 's/^.*MEASURED (.*)$/* \1/p' "$work"/e2e.log
	} >docs/test-report.md
}

# e2e TEST runs an end-to-end test, which starts and removes the lab.
e2e() {
	local limit=40m
	if ! grep -q "^func $1(" tests/e2e/*_test.go; then # go test would be content
		echo "there is no test $1" >&2
		return 1
	fi
	[ "$tier" = ci ] || limit=240m
	go test -tags e2e -count=1 -timeout "$limit" -v ./tests/e2e -run "^$1\$" -tier "${2:-$tier}" 2>&1 |
		tee -a "$work/e2e.log"
}

# older RELEASE installs an older release.
older() {
	OKD_LAB_RELEASE=$1 bin/okd-lab setup && OKD_LAB_RELEASE=$1 e2e TestUPI ci
}

# integration runs the tests that need root and okd-lab setup: those in files with
# the build tag, one package after the other.
integration() {
	local files packages names
	mapfile -t files < <(grep -rlE '^//go:build integration$' --include='*_test.go' pkg cmd)
	packages=$(printf './%s\n' "${files[@]}" | xargs -n 1 dirname | sort -u)
	names=$(grep -hoE '^func Test[A-Z]\w*\(t \*' "${files[@]}" | sed -E 's/^func (\w+).*/\1/' | paste -sd '|')
	# shellcheck disable=SC2086 # a list of directories
	race -tags integration -count=1 -p 1 -timeout 20m -run "^($names)\$" $packages
}

# race runs tests with the race detector, which needs cgo and a C compiler. Programs
# that the tests build are the ones that users get.
race() { CGO_ENABLED=1 go test -race "$@"; }

# fail ends the run after a failed step, except in tier full, which reports all steps.
fail() {
	failed=1
	[ "$tier" = full ]
}

results=()
failed=0
trap down EXIT
down

step 'packages' hack/packages.sh
step 'build' make --no-print-directory build
step 'lint' hack/lint.sh
step 'unit and contract tests' race -p 2 -timeout 20m ./pkg/... ./cmd/... ./data/... ./tests/... || fail
step 'lab set up' bin/okd-lab setup --virtualization
step 'integration tests' integration || fail
: >"$work/e2e.log"
for test in \
	'TestLab:installation on oVirt, virtualization deployed, used and removed' \
	'TestUPI:installation on machines of the user' \
	'TestSingleNode:installation of a single node in place' \
	'TestAgent:installation of three masters from one image' \
	'TestMetalProfiles:hosts with BMCs of every vendor, up to their registration' \
	'TestAgentSingleNode:installation of a single node from an image, with virtualization' \
	'TestMetal:installation of masters and workers through their BMCs'; do
	step "${test#*:}" e2e "${test%%:*}" || fail
done
step 'oVirt client suite against the lab engine' hack/ovirt-live-suite.sh "$suite" || fail
if [ "$tier" = full ]; then
	for test in \
		'TestAgentWorkers:installation of masters and workers from one image' \
		'TestAgentFiveMasters:installation of five masters from one image' \
		'TestAgentArbiter:installation of two masters and an arbiter from one image' \
		'TestAgentAddNodes:workers added to a running cluster from one image' \
		'TestAgentWays:installation over the network, from minimal and unconfigured images, by a mirror' \
		'TestMetalWorkers:installation through BMCs that start media in a way of their own' \
		'TestMetalKill:installations through BMCs, killed in every phase' \
		'TestMetalFaults:faults of BMCs' \
		'TestMetalNodes:nodes with BMCs added and removed' \
		'TestVirtualizationFaults:faults and settings of virtualization' \
		'TestVirtualizationKill:deployments of virtualization, killed in every step' \
		'TestMixedMetalWorkers:bare-metal workers in a cluster on oVirt' \
		'TestMixedVirtualWorkers:virtual workers in a cluster on bare metal'; do
		step "${test#*:}" e2e "${test%%:*}" || fail
	done
	step 'faults of installations from one image' e2e TestAgentFaults || fail
	for release in 4.22 4.20; do
		step "installation of release $release" older "$release" || fail
	done
	bin/okd-lab setup >/dev/null # the newest again
	step 'runs killed at 200 moments' go test -count=1 -timeout 30m ./tests/cli -run '^TestKill$' -kills 200 || fail
fi
[ "$tier" != full ] || report
[ "$failed" -eq 0 ]
