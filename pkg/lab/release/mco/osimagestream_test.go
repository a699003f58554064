package mco

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOSImageStream(t *testing.T) {
	d := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(d, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	auth := "--authfile=" + put("auth.json", "{}")
	refs := "--imagestream=" + put("refs",
		`{"spec":{"tags":[{"name":"stream-coreos","from":{"name":"r/c@sha256:1"}}]}}`)
	none := "--imagestream=" + put("none", `{"spec":{"tags":[{"name":"etcd","from":{"name":"r/e@sha256:1"}}]}}`)
	get := []string{"get", "default-node-image"}
	for _, c := range []struct {
		name          string
		args          []string
		want, problem string
	}{
		{"as the bootstrap host calls it", append(get, auth, refs, "--trust-bundle=/a", "--registry-config=/b"),
			"r/c@sha256:1\n", ""},
		{"no login", append(get, refs), "", "--authfile is required"},
		{"a login that is not there", append(get, refs, "--authfile="+d+"/absent"), "", "no such file"},
		{"a release without nodes", append(get, auth, none), "", "no tag stream-coreos"},
		{"an unknown flag", append(get, auth, refs, "--new"), "", "unknown flag: --new"},
		{"another verb", []string{"get", "osimagestream"}, "", "only get default-node-image"},
		{"nothing", nil, "", "only get default-node-image"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := osImageStream(&out, c.args)
			failed := err != nil && strings.Contains(err.Error(), c.problem)
			if c.problem == "" && err != nil || c.problem != "" && !failed {
				t.Errorf("got %v, want %q", err, c.problem)
			}
			if out.String() != c.want {
				t.Errorf("printed %q, want %q", out.String(), c.want)
			}
		})
	}
}
