#!/usr/bin/env bash
# Runs the live test suite of go-ovirt-client against the lab's oVirt engine.
#
#   hack/ovirt-live-suite.sh [short|full]
#
# short (the default) omits two tests that wait 511 s each for a client's retries to
# end. The suite is part of the client's module, in the version of our go.mod, and is
# downloaded through the Go module proxy. The tests use the loopback interface only.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=${1:-short}
case $mode in
short | full) ;;
*)
	echo "usage: $0 [short|full]" >&2
	exit 2
	;;
esac

go mod download github.com/ovirt/go-ovirt-client/v3
OKD_LAB_LIVE_SUITE=$mode exec go test -tags livesuite ./pkg/lab/engine/enginetest -run '^TestLiveSuite$' -count=1 -v -timeout 35m
