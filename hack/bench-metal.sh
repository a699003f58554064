#!/bin/sh
# Takes simulated BMCs of all vendors, 500 or as many as named, to "on from our medium". They are a process of their own.
set -eu
cd "$(dirname "$0")/.."
exec go test ./pkg/machines/metal -run '^$' -bench '^BenchmarkBoot$' -benchtime 1x -timeout 30m -args -bmcs "${1:-500}"
