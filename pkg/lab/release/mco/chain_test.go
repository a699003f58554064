package mco

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_5/types"
	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// bootstrapDir goes through the steps of a bootstrap machine up to the point
// where the machine config server starts, and returns /etc/mcs/bootstrap.
func bootstrapDir(t *testing.T, drop ...string) (server, dest string) {
	t.Helper()
	return bootstrapDirWith(t, nil, drop...)
}

// bootstrapDirWith is bootstrapDir with other manifests, by name.
func bootstrapDirWith(t *testing.T, other map[string]string, drop ...string) (server, dest string) {
	t.Helper()
	root := t.TempDir()
	manifests := filepath.Join(root, "manifests")
	if err := os.CopyFS(manifests, os.DirFS("testdata/manifests")); err != nil {
		t.Fatal(err)
	}
	for _, d := range drop {
		if err := os.Remove(filepath.Join(manifests, d)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range other {
		write(t, filepath.Join(manifests, name), []byte(text))
	}
	var tags []map[string]any
	for _, tag := range append(slices.Collect(maps.Values(render.ImageTags())), "docker-registry", "stream-coreos") {
		tags = append(tags, map[string]any{"name": tag, "from": map[string]string{
			"kind": "DockerImage", "name": "registry.lab.okd.test:5000/okd/content/" + tag + "@sha256:0",
		}})
	}
	refs, _ := json.Marshal(map[string]any{"kind": "ImageStream", "spec": map[string]any{"tags": tags}})
	write(t, filepath.Join(root, "image-references"), refs)
	write(t, filepath.Join(root, "root-ca.crt"), []byte("root CA\n"))
	write(t, filepath.Join(root, "kube-ca.crt"), []byte("client CAs\n"))

	dest = filepath.Join(root, "mco-bootstrap")
	m := func(name string) string { return filepath.Join(manifests, name) }
	args := []string{
		"--root-ca=" + filepath.Join(root, "root-ca.crt"), "--kube-ca=" + filepath.Join(root, "kube-ca.crt"),
		"--config-file=" + m("cluster-config.yaml"), "--dest-dir=" + dest,
		"--pull-secret=" + m("openshift-config-secret-pull-secret.yaml"),
		"--release-image=registry.lab.okd.test:5000/okd/release@sha256:0",
		"--image-references=" + filepath.Join(root, "image-references"), "--payload-version=4.20.0-okd-lab.1",
		"--infra-config-file=" + m("cluster-infrastructure-02-config.yml"),
		"--network-config-file=" + m("cluster-network-02-config.yml"),
		"--proxy-config-file=" + m("cluster-proxy-01-config.yaml"),
		"--dns-config-file=" + m("cluster-dns-02-config.yml"),
		"--additional-trust-bundle-config-file=" + m("user-ca-bundle-config.yaml"),
	}
	if err := bootstrap(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	mcc := filepath.Join(root, "mcc")
	for _, dir := range []string{filepath.Join(dest, "bootstrap/manifests"), manifests} {
		if err := os.CopyFS(mcc, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range glob(t, filepath.Join(dest, "manifests/*")) {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(mcc, filepath.Base(f)), raw)
	}
	server = filepath.Join(root, "mcs")
	args = []string{
		"--manifest-dir=" + mcc, "--dest-dir=" + server,
		"--pull-secret=" + filepath.Join(mcc, "machineconfigcontroller-pull-secret"),
		"--payload-version=4.20.0-okd-lab.1",
	}
	err := renderPools(t.Context(), args)
	if err == nil || !strings.Contains(err.Error(), "image-references: no such file") {
		t.Errorf("without the release's image references: %v", err)
	}
	write(t, filepath.Join(mcc, "image-references"), refs)
	if err := renderPools(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	return server, dest
}

// TestControllerOfOlderReleases does without the image references.
func TestControllerOfOlderReleases(t *testing.T) {
	t.Setenv("RELEASE_VERSION", "4.22.0-okd-lab.1")
	err := renderPools(t.Context(), []string{"--manifest-dir=" + t.TempDir(), "--dest-dir=/x", "--pull-secret=/x"})
	if err == nil || strings.Contains(err.Error(), "image-references") {
		t.Errorf("got %v, want it to look for manifests", err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

// describe shows a config as a person would want to review it.
func describe(t *testing.T, cfg types.Config) string {
	t.Helper()
	var b strings.Builder
	slices.SortFunc(cfg.Storage.Files, func(x, y types.File) int { return strings.Compare(x.Path, y.Path) })
	for _, f := range cfg.Storage.Files {
		d, err := dataurl.DecodeString(*f.Contents.Source)
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		fmt.Fprintf(&b, "#### file %s %04o\n%s\n", f.Path, *f.Mode, strings.TrimRight(string(d.Data), "\n"))
	}
	slices.SortFunc(cfg.Systemd.Units, func(x, y types.Unit) int { return strings.Compare(x.Name, y.Name) })
	for _, u := range cfg.Systemd.Units {
		fmt.Fprintf(&b, "#### unit %s enabled=%v\n", u.Name, u.Enabled != nil && *u.Enabled)
		if u.Contents != nil {
			b.WriteString(*u.Contents)
		}
		for _, d := range u.Dropins {
			fmt.Fprintf(&b, "#### drop-in %s\n%s", d.Name, *d.Contents)
		}
	}
	for _, u := range cfg.Passwd.Users {
		fmt.Fprintf(&b, "#### user %s %q\n", u.Name, u.SSHAuthorizedKeys)
	}
	return b.String()
}

func TestRenderedConfigs(t *testing.T) {
	server, _ := bootstrapDir(t)
	for _, role := range []string{"master", "worker"} {
		t.Run(role, func(t *testing.T) {
			files := glob(t, filepath.Join(server, "machine-configs", "rendered-"+role+"-*.yaml"))
			if len(files) != 1 {
				t.Fatalf("rendered configs: %v", files)
			}
			m := machineConfig(t, files[0])
			cfg, err := ign.Parse(m.Spec.Config.Raw)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+role+".txt", describe(t, cfg))
			for _, v := range []ign.Version{{Major: 2, Minor: 2}, {Major: 3, Minor: 1}, {Major: 3, Minor: 5}} {
				if _, err := ign.Serve(cfg, v); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestArbiter: with an arbiter there is a pool of its own, which the bootstrap serves.
// Its nodes run etcd, and nothing else of the control plane.
func TestArbiter(t *testing.T) {
	const infra = "testdata/manifests/cluster-infrastructure-02-config.yml"
	raw, err := os.ReadFile(infra)
	if err != nil {
		t.Fatal(err)
	}
	const topology = "controlPlaneTopology: HighlyAvailable"
	with := strings.Replace(string(raw), topology, topology+"Arbiter", 1)
	if with == string(raw) {
		t.Fatalf("%s names no topology", infra)
	}
	server, _ := bootstrapDirWith(t, map[string]string{filepath.Base(infra): with})
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	write(t, kubeconfig, []byte("kind: Config\n"))
	s, err := bootstrapSource{dir: server, kubeconfig: kubeconfig}.serve(t.Context(), "arbiter")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.complete()
	if err != nil {
		t.Fatal(err)
	}
	text := describe(t, cfg)
	for _, want := range []string{
		"--node-labels=node-role.kubernetes.io/arbiter,",
		"--register-with-taints=node-role.kubernetes.io/master=:NoSchedule,node-role.kubernetes.io/arbiter=:NoSchedule \\\n",
		"#### file /etc/kubernetes/manifests/keepalived.yaml", "--role=arbiter",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, not := range []string{"manifests/haproxy.yaml", "node-role.kubernetes.io/control-plane"} {
		if strings.Contains(text, not) {
			t.Errorf("has %q", not)
		}
	}
}

func TestBootstrapFiles(t *testing.T) {
	_, dest := bootstrapDir(t)
	var list strings.Builder
	err := filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(dest, path)
		fmt.Fprintf(&list, "%04o %s\n", info.Mode().Perm(), rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/bootstrap-files.txt", list.String())
	for path, name := range map[string]string{
		"bootstrap/machineconfigoperator-bootstrap-pod.yaml": "machineconfigoperator-bootstrap-pod.yaml",
		"baremetal/manifests/keepalived.yaml":                "bootstrap-keepalived.yaml",
		"baremetal/manifests/coredns.yaml":                   "bootstrap-coredns.yaml",
	} {
		raw, err := os.ReadFile(filepath.Join(dest, path))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name, raw)
	}
}
