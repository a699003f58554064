package clusterbootstrap

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ign "github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/ignition/v2/config/v3_5/types"
)

const inPlaceInput = `variant: fcos
version: 1.4.0
ignition:
  config:
    merge:
    - local: original-master.ign
storage:
  trees:
  - local: etcd-data
    path: /var/lib/etcd
  files:
  - path: /etc/kubernetes/manifests/etcd-pod.yaml
    mode: 0600
    contents:
      local: etcd-member-pod.yaml
`

func TestInPlace(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("in.fcc", inPlaceInput)
	put("original-master.ign", `{"ignition":{"version":"3.2.0"}}`)
	put("etcd-data/member/snap/db", strings.Repeat("x", 1<<20))
	put("etcd-data/member/wal/0.wal", "log")
	out := filepath.Join(dir, "master.ign")
	args := []string{"--asset-dir", dir, "--input", filepath.Join(dir, "in.fcc"), "--output", out}
	if err := inPlace(t.Context(), args); err == nil || !strings.Contains(err.Error(), "etcd-member-pod.yaml") {
		t.Errorf("with a missing file: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a failure leaves a config behind")
	}
	put("etcd-member-pod.yaml", "kind: Pod\n")
	if err := inPlace(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	cfg, report, err := ign.ParseCompatibleVersion(raw)
	if err != nil {
		t.Fatalf("Ignition refuses it: %v\n%s", err, report)
	}
	if len(cfg.Ignition.Config.Merge) != 1 {
		t.Errorf("merges %+v", cfg.Ignition.Config.Merge)
	}
	var paths []string
	for _, f := range cfg.Storage.Files {
		paths = append(paths, f.Path)
	}
	for _, want := range []string{
		"/var/lib/etcd/member/snap/db", "/var/lib/etcd/member/wal/0.wal", "/etc/kubernetes/manifests/etcd-pod.yaml",
	} {
		if !contains(cfg.Storage.Files, want) {
			t.Errorf("no file %s among %v", want, paths)
		}
	}
	if len(raw) > 1<<20 || bytes.Contains(raw, []byte("xxxxxxxxxxxxxxxx")) {
		t.Errorf("%d bytes: what compresses well is not compressed", len(raw))
	}
}

func contains(files []types.File, path string) bool {
	for _, f := range files {
		if f.Path == path {
			return true
		}
	}
	return false
}
