package assets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/ignition/v2/config/v3_2"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const testImage = "registry.lab.okd.test:5000/okd/release@sha256:" +
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func deps() assets.Deps {
	return assets.Deps{
		Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0), ReleaseImage: testImage, Invoker: "user",
		Version: "test",
	}
}

// newDir is an asset directory with the test's install-config, edited by
// replacing pairs of old and new text.
func newDir(t *testing.T, replace ...string) string {
	t.Helper()
	config, err := os.ReadFile("testdata/install-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := strings.NewReplacer(replace...).Replace(string(config))
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// warm is a state in which all keys are made already, for tests that are not
// about making them.
var warm = sync.OnceValues(func() (state []byte, err error) {
	dir, err := os.MkdirTemp("", "assets-test-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	config, err := os.ReadFile("testdata/install-config.yaml")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, configFile), config, 0o600); err != nil {
		return nil, err
	}
	i, err := assets.Open(dir, deps())
	if err != nil {
		return nil, err
	}
	_, err = i.Store().Run(context.Background(), nil,
		[]asset.Ref{assets.TLSFiles, assets.BootstrapAdmin, assets.Kubeadmin, assets.SSHKeys, assets.InfraID,
			assets.ClusterID})
	if err = errors.Join(err, i.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, asset.StateName))
})

// warmDir is an asset directory that already has keys.
func warmDir(t *testing.T) string {
	t.Helper()
	state, err := warm()
	if err != nil {
		t.Fatal(err)
	}
	dir := newDir(t)
	if err := os.WriteFile(filepath.Join(dir, asset.StateName), state, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string, d assets.Deps) *assets.Installer {
	t.Helper()
	i, err := assets.Open(dir, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

func tree(t *testing.T, root string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		out[rel] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestIgnitionConfigs(t *testing.T) {
	dir := warmDir(t)
	if err := open(t, dir, deps()).IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	want := []string{
		asset.StateName, ".openshift_install.lock", "auth/kubeadmin-password", "auth/kubeconfig", "bootstrap.ign",
		"install-config.yaml",
		"master.ign", "metadata.json", "worker.ign",
	}
	got := slices.Sorted(maps.Keys(files))
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for name := range files {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{"bootstrap.ign", "master.ign", "worker.ign"} {
		if _, rep, err := v3_2.Parse(files[name]); err != nil || rep.IsFatal() {
			t.Errorf("Ignition refuses %s: %v %s", name, err, rep.String())
		}
	}
	if !strings.Contains(string(files["worker.ign"]), "https://198.18.0.10:22623/config/worker") {
		t.Errorf("worker.ign: %s", files["worker.ign"])
	}
	var meta assets.Metadata
	if err := json.Unmarshal(files["metadata.json"], &meta); err != nil {
		t.Fatal(err)
	}
	infraID := regexp.MustCompile(`^demo-[a-z0-9]{5}$`)
	if !infraID.MatchString(meta.InfraID) || meta.Platform != ovirt ||
		!strings.Contains(string(meta.PlatformData), `"remove_template":true`) {
		t.Errorf("metadata %s", files["metadata.json"])
	}
}

// TestSameInputsSameBytes checks that the bytes do not depend on how the work is spread
// over processors.
func TestSameInputsSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var trees []map[string][]byte
	for _, processors := range []int{1, 16} {
		runtime.GOMAXPROCS(processors)
		dir := warmDir(t)
		i := open(t, dir, deps())
		if err := i.Manifests(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := i.IgnitionConfigs(context.Background()); err != nil {
			t.Fatal(err)
		}
		files := tree(t, dir)
		delete(files, ".openshift_install.lock")
		trees = append(trees, files)
	}
	for name, data := range trees[0] {
		if !bytes.Equal(data, trees[1][name]) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestCluster(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	c, err := i.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range c.Machines {
		names = append(names, strings.TrimPrefix(m.Name, c.InfraID)+" "+m.Role)
		parsed, _, err := v3_2.Parse(m.Ignition)
		if err != nil || len(parsed.Storage.Files) != 1 || parsed.Storage.Files[0].Path != "/etc/hostname" {
			t.Errorf("config of %s: %v", m.Name, err)
		}
	}
	want := []string{"-master-0 master", "-master-1 master", "-master-2 master", "-worker-0 worker", "-worker-1 worker"}
	if !slices.Equal(names, want) {
		t.Errorf("machines %q, want %q", names, want)
	}
	if c.ReleaseImage != testImage || len(c.Bootstrap) == 0 || c.KubeadminPassword.IsZero() ||
		c.Metadata.InfraID != c.InfraID {
		t.Error("the cluster lacks values")
	}
	onDisk, _ := os.ReadFile(filepath.Join(dir, "auth/kubeconfig"))
	if !bytes.Equal(onDisk, c.Kubeconfig) {
		t.Error("auth/kubeconfig is not what the cluster has")
	}
	meta, err := assets.StoredMetadata(dir, nil)
	if err != nil || meta.InfraID != c.InfraID {
		t.Errorf("stored metadata %+v, %v", meta, err)
	}
	nodes, networks, err := assets.StoredNodes(dir, nil)
	if err != nil || len(nodes) != 5 || len(networks) != 1 || networks[0].String() != "198.18.0.0/24" {
		t.Errorf("stored nodes %v in %v, %v", nodes, networks, err)
	}
	masters, err := assets.StoredMasters(dir, nil)
	if err != nil || !slices.Equal(masters, []string{c.Machines[0].Name, c.Machines[1].Name, c.Machines[2].Name}) {
		t.Errorf("stored masters %v, %v", masters, err)
	}
	keys, err := assets.StoredSSH(dir, nil)
	if err != nil || keys.User.AuthorizedKey != c.SSH.User.AuthorizedKey {
		t.Errorf("stored SSH keys: %v", err)
	}
}

// TestReleaseImage checks that later commands know a release image that was named once,
// and that a run without one fails before anything is made.
func TestReleaseImage(t *testing.T) {
	dir := warmDir(t)
	without := deps()
	without.ReleaseImage = ""
	i := open(t, dir, without)
	if _, err := i.Cluster(context.Background()); !errors.Is(err, assets.ErrNoReleaseImage) {
		t.Fatalf("without a release image: %v", err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	i, err := assets.Open(dir, deps())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Cluster(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	i = open(t, dir, without)
	c, err := i.Cluster(context.Background())
	if err != nil || c.ReleaseImage != testImage {
		t.Errorf("image %q, %v", c.ReleaseImage, err)
	}
}

func TestBadConfig(t *testing.T) {
	i := open(t, newDir(t, "baseDomain", "baseDomian"), deps())
	_, err := i.Cluster(context.Background())
	var findings *report.Error
	if !errors.As(err, &findings) || !strings.HasPrefix(err.Error(), "install-config.yaml") ||
		!strings.Contains(err.Error(), `did you mean "baseDomain"?`) {
		t.Errorf("got %v", err)
	}
	var missing *asset.MissingError
	if _, err := open(t, t.TempDir(), deps()).Cluster(context.Background()); !errors.As(err, &missing) {
		t.Errorf("without install-config: %v", err)
	}
}

// What changes is what depends on it, no more.
func TestConfigChange(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		same     []string
		differs  []string
	}{
		{"comment", "baseDomain", "# hello\nbaseDomain", []string{"bootstrap.ign", "metadata.json", "auth/kubeconfig"}, nil},
		{
			"pull secret", "bGFiOnNlY3JldC1vZi10aGUtbGFi", "bGFiOm90aGVyLXNlY3JldC1vZi1sYWI=",
			[]string{"metadata.json", "auth/kubeconfig", "master.ign"}, []string{"bootstrap.ign"},
		},
		{
			"VIP", "198.18.0.10", "198.18.0.20",
			[]string{"metadata.json", "auth/kubeconfig"}, []string{"bootstrap.ign", "master.ign"},
		},
		{
			"name", "name: demo", "name: other",
			[]string{"auth/kubeadmin-password"}, []string{"metadata.json", "bootstrap.ign", "auth/kubeconfig"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := warmDir(t)
			i := open(t, dir, assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0),
				ReleaseImage: testImage})
			if err := i.IgnitionConfigs(context.Background()); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			text := strings.Replace(string(before[configFile]), tt.old, tt.new, 1)
			if err := os.WriteFile(filepath.Join(dir, configFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := i.IgnitionConfigs(context.Background()); err != nil {
				t.Fatal(err)
			}
			after := tree(t, dir)
			for _, name := range tt.same {
				if !bytes.Equal(before[name], after[name]) {
					t.Errorf("%s changed", name)
				}
			}
			for _, name := range tt.differs {
				if bytes.Equal(before[name], after[name]) {
					t.Errorf("%s stayed", name)
				}
			}
		})
	}
}

// A user's edit of a manifest reaches the bootstrap host, and so does a file
// that the user adds.
func TestEditedManifests(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := i.Manifests(context.Background()); err != nil {
		t.Fatal(err)
	}
	scheduler := filepath.Join(dir, "manifests/cluster-scheduler-02-config.yml")
	data, err := os.ReadFile(scheduler)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(data), "mastersSchedulable: false", "mastersSchedulable: true", 1)
	if edited == string(data) {
		t.Fatalf("no mastersSchedulable in %s", data)
	}
	extra := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: default}\n"
	for path, text := range map[string]string{scheduler: edited, filepath.Join(dir, "openshift/extra.yaml"): extra} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := i.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	parsed, _, err := v3_2.Parse(c.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range parsed.Storage.Files {
		if strings.HasSuffix(f.Path, "scheduler-02-config.yml") || strings.HasSuffix(f.Path, "openshift/extra.yaml") {
			found[filepath.Base(f.Path)] = true
		}
	}
	if len(found) != 2 {
		t.Errorf("the bootstrap host got only %v", found)
	}
}

// Day-long certificates that went stale before anything was started are made
// anew; once machines run, everything stays.
func TestStaleCertificates(t *testing.T) {
	for _, started := range []bool{false, true} {
		dir := warmDir(t)
		clk := clock.NewFake(t0)
		var said []string
		sink := event.SinkFunc(func(e event.Event) { said = append(said, e.Message) })
		i := open(t, dir, assets.Deps{Platforms: platforms.All().Assets(), Clock: clk, ReleaseImage: testImage, Events: sink})
		first, err := i.Cluster(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if started {
			if err := i.MarkStarted(); err != nil {
				t.Fatal(err)
			}
		}
		clk.Advance(25 * time.Hour)
		said = nil
		second, err := i.Cluster(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(first.Bootstrap, second.Bootstrap); same != started {
			t.Errorf("started %v: bootstrap.ign stayed %v", started, same)
		}
		if first.InfraID != second.InfraID || !bytes.Equal(first.Kubeconfig, second.Kubeconfig) {
			t.Error("more changed than had to")
		}
		want := "generating anew what went stale"
		if started {
			want = "certificates of the bootstrap host have expired and stay"
		}
		if text := strings.Join(said, "\n"); !strings.Contains(text, want) {
			t.Errorf("started %v: should say %q, said\n%s", started, want, text)
		}
		// The leaves of old authorities are as fresh as any others: nothing goes
		// stale again in the next minute.
		clk.Advance(time.Minute)
		said = nil
		third, err := i.Cluster(context.Background())
		if err != nil || !bytes.Equal(second.Bootstrap, third.Bootstrap) {
			t.Errorf("started %v: another bootstrap.ign a minute later (%v): %q", started, err, said)
		}
	}
}

func TestForget(t *testing.T) {
	dir := warmDir(t)
	i := open(t, dir, deps())
	if err := errors.Join(i.Manifests(context.Background()), i.IgnitionConfigs(context.Background())); err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(dir, "manifests/cluster-dns-02-config.yml")
	if err := os.WriteFile(edited, []byte("# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if err := assets.Forget(dir, nil); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(tree(t, dir)))
	want := []string{".openshift_install.lock", "install-config.yaml", "manifests/cluster-dns-02-config.yml"}
	if !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	if _, err := assets.StoredMetadata(dir, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stored metadata: %v", err)
	}
}

func TestGraph(t *testing.T) {
	dot := assets.Graph()
	for _, edge := range []string{
		`"infra-id" -> "bootstrap.ign"`, `"tls/root-ca" -> "tls/machine-config-server"`,
		`"install-config.yaml" -> "install-config-read"`,
	} {
		if !strings.Contains(dot, edge) {
			t.Errorf("no edge %s", edge)
		}
	}
}

func BenchmarkIgnitionConfigs(b *testing.B) {
	config, err := os.ReadFile("testdata/install-config.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		dir := b.TempDir()
		if err := os.WriteFile(filepath.Join(dir, configFile), config, 0o600); err != nil {
			b.Fatal(err)
		}
		i, err := assets.Open(dir, assets.Deps{Platforms: platforms.All().Assets(), ReleaseImage: testImage})
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(i.IgnitionConfigs(context.Background()), i.Close()); err != nil {
			b.Fatal(err)
		}
	}
}
