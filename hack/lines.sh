#!/usr/bin/env bash
# Counts the lines of Go by area, tests and test kits apart, at one or more commits,
# and prints a Markdown table.
#   hack/lines.sh [commit ...]        (default HEAD)
set -euo pipefail
cd "$(dirname "$0")/.."
(($#)) || set -- HEAD

for commit in "$@"; do
	git grep -c '' "$commit" -- 'pkg/*.go' 'cmd/*.go' | sed "s/^$commit:/$commit /; s/:\([0-9]*\)\$/ \1/"
done | awk -v commits="$*" '
	$2 ~ /_test\.go$|\/testkit\/|\/[a-z]+test\// { next }
	{
		n = split($2, p, "/")
		area = p[1] "/" p[2]
		if (p[2] == "lab") area = (p[3] == "release" || p[3] == "engine") ? area "/" p[3] : area ", the rest"
		if (!(area in seen)) { seen[area]; order[++k] = area }
		sum[area, $1] += $3; total[$1] += $3
	}
	function row(name, list,    i, s) { s = "| " name " |"; for (i = 1; i <= m; i++) s = s " " list[i] + 0 " |"; print s }
	END {
		m = split(commits, c, " ")
		head = "| Area |"; line = "|---|"
		for (i = 1; i <= m; i++) { head = head " " c[i] " |"; line = line "---|" }
		print head; print line
		for (a = 1; a <= k; a++) { for (i = 1; i <= m; i++) v[i] = sum[order[a], c[i]]; row(order[a], v) }
		for (i = 1; i <= m; i++) v[i] = total[c[i]]
		row("all", v)
	}'
