#!/usr/bin/env bash
# Static checks. Installs what it needs: shellcheck from Debian, golangci-lint
# built from the module that hack/modules/lint pins.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted" >&2
	exit 1
fi

if ! command -v shellcheck >/dev/null; then
	apt-get update -q && apt-get install -y -q shellcheck
fi
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' '.ci/run')
shellcheck "${scripts[@]}"

if [ ! -x bin/golangci-lint ] || [ hack/modules/lint/go.sum -nt bin/golangci-lint ]; then
	echo "building golangci-lint (once)"
	(cd hack/modules/lint && go build -trimpath -ldflags '-s -w' \
		-o ../../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
fi
bin/golangci-lint run ./...
