package bootstrap

import (
	"strings"
	"testing"
)

func at(second int, phase, stage, result, message string) string {
	out := `{"timestamp":"2026-11-21T03:00:` + string(rune('0'+second/10)) + string(rune('0'+second%10)) + `.5Z","phase":"` + phase + `"`
	for _, f := range [][2]string{{"stage", stage}, {"result", result}, {"errorMessage", message}} {
		if f[1] != "" {
			out += `,"` + f[0] + `":"` + f[1] + `"`
		}
	}
	return out + "}"
}

func file(service string, entries ...string) string {
	return "== " + service + "\n[" + strings.Join(entries, ",") + "]\n"
}

func TestInterpret(t *testing.T) {
	pulled := file("release-image", at(0, "service start", "", "", ""), at(0, "stage start", "pull-release-image", "", ""),
		at(2, "stage end", "pull-release-image", "success", ""), at(2, "service end", "", "success", ""))
	tests := []struct{ name, out, want string }{
		{"nothing yet", "== release-image\n\n== bootkube\n\n", "bootstrap host: starting"},
		{"pulling", file("release-image", at(0, "service start", "", "", ""), at(0, "stage start", "pull-release-image", "", "")),
			"bootstrap host: release-image: pull-release-image"},
		{"pull fails and is tried again", file("release-image", at(0, "service start", "", "", ""), at(0, "stage start", "pull-release-image", "", ""),
			at(1, "stage end", "pull-release-image", "failure", "no route to host"), at(2, "stage start", "pull-release-image", "", "")),
			"bootstrap host: release-image: pull-release-image; last error: no route to host"},
		{"two stages at once", pulled + file("bootkube", at(3, "service start", "", "", ""),
			at(3, "stage start", "api-bootstrap", "", ""), at(3, "stage start", "etcd-bootstrap", "", ""), at(4, "stage end", "api-bootstrap", "success", "")),
			"bootstrap host: bootkube: etcd-bootstrap"},
		{"a failure elsewhere stays in sight", pulled + file("bootkube", at(3, "service start", "", "", ""), at(3, "stage start", "mco-bootstrap", "", ""),
			at(4, "stage end", "mco-bootstrap", "failure", "bad input"), at(4, "service end", "", "failure", ""),
			at(6, "service start", "", "", ""), at(6, "stage start", "wait-for-etcd", "", "")),
			"bootstrap host: bootkube: wait-for-etcd; last error in mco-bootstrap: bad input"},
		{"a failure made good", pulled + file("bootkube", at(3, "stage start", "mco-bootstrap", "", ""),
			at(4, "stage end", "mco-bootstrap", "failure", "bad input"), at(5, "stage start", "mco-bootstrap", "", ""),
			at(6, "stage end", "mco-bootstrap", "success", ""), at(7, "stage start", "cb-bootstrap", "", "")),
			"bootstrap host: bootkube: cb-bootstrap"},
		{"a service that fails outside its stages", pulled + file("bootkube", at(3, "service start", "", "", ""), at(4, "service end", "", "failure", "")),
			"bootstrap host: bootkube; last error: failed"},
		{"reporting", pulled + file("bootkube", at(3, "service start", "", "", ""), at(9, "service end", "", "success", "")) +
			file("progress", at(9, "service start", "", "", ""), at(9, "stage start", "report-complete", "", "")),
			"bootstrap host: progress: report-complete"},
		{"done", pulled + file("progress", at(9, "service start", "", "", ""), at(10, "service end", "", "success", "")), "bootstrap host: done"},
		{"a unit that failed", pulled + "== failed\ncrio.service\nkubelet.service\n", "bootstrap host: release-image; last error: unit failed: crio.service, kubelet.service"},
		{"a file that is being replaced", "== bootkube\n[{\"timestamp\":\n== progress\nnonsense\n", "bootstrap host: starting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := interpret([]byte(tt.out))
			if s.String() != tt.want {
				t.Errorf("got  %q\nwant %q", s, tt.want)
			}
			if s.Service != "" && s.Since.IsZero() {
				t.Error("no time")
			}
		})
	}
}

func FuzzInterpret(f *testing.F) {
	f.Add([]byte(file("bootkube", at(1, "stage start", "x", "", ""))))
	f.Add([]byte("== bootkube\n[null, 3, {\"phase\": \"service end\"}]"))
	f.Fuzz(func(_ *testing.T, out []byte) { _ = interpret(out).String() })
}
