package bootstrap

import (
	"fmt"
	"strings"
	"testing"
)

func at(second int, phase, stage, result, message string) string {
	out := fmt.Sprintf(`{"timestamp":"2026-11-21T03:00:%02d.5Z","phase":%q`, second, phase)
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
	start := func(second int) string { return at(second, "service start", "", "", "") }
	end := func(second int, result string) string { return at(second, "service end", "", result, "") }
	stage := func(second int, name string) string { return at(second, "stage start", name, "", "") }
	pulled := file("release-image", start(0), stage(0, "pull-release-image"),
		at(2, "stage end", "pull-release-image", "success", ""), end(2, "success"))
	tests := []struct{ name, out, want string }{
		{"nothing yet", "== release-image\n\n== bootkube\n\n", "bootstrap host: starting"},
		{"pulling", file("release-image", start(0), stage(0, "pull-release-image")),
			"bootstrap host: release-image: pull-release-image"},
		{"pull fails and is tried again", file("release-image", start(0), stage(0, "pull-release-image"),
			at(1, "stage end", "pull-release-image", "failure", "no route to host"), stage(2, "pull-release-image")),
			"bootstrap host: release-image: pull-release-image; last error: no route to host"},
		{"two stages at once", pulled + file("bootkube", start(3), stage(3, "api-bootstrap"), stage(3, "etcd-bootstrap"),
			at(4, "stage end", "api-bootstrap", "success", "")),
			"bootstrap host: bootkube: etcd-bootstrap"},
		{"a failure of another stage is kept", pulled + file("bootkube", start(3), stage(3, "mco-bootstrap"),
			at(4, "stage end", "mco-bootstrap", "failure", "bad input"), end(4, "failure"),
			start(6), stage(6, "wait-for-etcd")),
			"bootstrap host: bootkube: wait-for-etcd; last error in mco-bootstrap: bad input"},
		{"a retry that succeeds", pulled + file("bootkube", stage(3, "mco-bootstrap"),
			at(4, "stage end", "mco-bootstrap", "failure", "bad input"), stage(5, "mco-bootstrap"),
			at(6, "stage end", "mco-bootstrap", "success", ""), stage(7, "cb-bootstrap")),
			"bootstrap host: bootkube: cb-bootstrap"},
		{"a service that fails outside its stages", pulled + file("bootkube", start(3), end(4, "failure")),
			"bootstrap host: bootkube; last error: failed"},
		{"reporting", pulled + file("bootkube", start(3), end(9, "success")) +
			file("progress", start(9), stage(9, "report-complete")),
			"bootstrap host: progress: report-complete"},
		{"done", pulled + file("progress", start(9), end(10, "success")), "bootstrap host: done"},
		{"a unit that failed", pulled + "== failed\ncrio.service\nkubelet.service\n",
			"bootstrap host: release-image; last error: unit failed: crio.service, kubelet.service"},
		{"a file that is being replaced", "== bootkube\n[{\"timestamp\":\n== progress\nnonsense\n",
			"bootstrap host: starting"},
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
