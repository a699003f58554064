#!/usr/bin/env bash
# Static checks: gofmt, shellcheck, golangci-lint with go vet. Installs shellcheck
# from Debian, and builds golangci-lint from the module that hack/modules/lint pins.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted" >&2
	exit 1
fi

# Check every file that starts like a shell script, whatever its name. Templates are
# scripts only when rendered: the tests of pkg/lab/release/mco check those.
command -v shellcheck >/dev/null || hack/packages.sh
mapfile -t scripts < <(git ls-files -co --exclude-standard -- . ':!*.tmpl' |
	xargs -r -d '\n' awk 'FNR == 1 && /^#!.*[\/ ](ba)?sh( |$)/ { print FILENAME } { nextfile }' 2>/dev/null)
# A script that is sourced is checked as part of the scripts that source it.
sourced=$(grep -hoP '^# shellcheck source=\K\S+\.sh$' "${scripts[@]}" | sort -u)
mapfile -t scripts < <(printf '%s\n' "${scripts[@]}" | grep -vE "/($(paste -sd '|' <<<"$sourced"))\$")
shellcheck --external-sources --check-sourced --source-path=SCRIPTDIR:data/bootstrap/files/usr/local/bin "${scripts[@]}"

if [ ! -x bin/golangci-lint ] || [ hack/modules/lint/go.sum -nt bin/golangci-lint ]; then
	echo "building golangci-lint (once)"
	(cd hack/modules/lint && go build -trimpath -ldflags '-s -w' \
		-o ../../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
fi
# Another checkout may be linted on the same machine.
bin/golangci-lint run --allow-parallel-runners ./...
