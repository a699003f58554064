package multus

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/clock"
)

func testNode(t *testing.T) node {
	return node{
		plugins: t.TempDir(), conf: t.TempDir(), confOnHost: "/etc/kubernetes/cni/net.d",
		api: "api-int.demo.okd.test", port: "6443", namespace: "openshift-multus",
	}
}

func TestInstallReplacesPlugins(t *testing.T) {
	n := testNode(t)
	for name, text := range map[string]string{"bridge": "Debian's", ".tuning.new": "half", "portmap": "Debian's"} {
		if err := os.WriteFile(filepath.Join(n.plugins, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Open(filepath.Join(n.plugins, "bridge"))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	ours := fstest.MapFS{"bridge": {Data: []byte("ours")}, "tuning": {Data: []byte("ours")}}
	for range 2 {
		if err := n.install(ours); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"bridge": "ours", "tuning": "ours", "portmap": "Debian's"} {
		path := filepath.Join(n.plugins, name)
		data, err := os.ReadFile(path)
		if err != nil || string(data) != want {
			t.Errorf("%s is %q, want %q: %v", name, data, want, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("%s cannot be run: %v", name, err)
		}
	}
	if target, err := os.Readlink(filepath.Join(n.plugins, "whereabouts")); target != "multus" {
		t.Errorf("whereabouts is a link to %q: %v", target, err)
	}
	old := make([]byte, 20)
	if k, _ := before.Read(old); string(old[:k]) != "Debian's" {
		t.Errorf("the plugin that was running became %q", old[:k])
	}
	left, err := filepath.Glob(filepath.Join(n.plugins, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestInstallNeedsPlugins(t *testing.T) {
	if err := testNode(t).install(fstest.MapFS{}); err == nil {
		t.Error("an image without plugins was accepted")
	}
}

func TestWhereaboutsCanBeUsed(t *testing.T) {
	n := testNode(t)
	account := fstest.MapFS{"token": {Data: []byte("secret\n")}, "ca.crt": {Data: []byte("CA")}}
	if err := n.configureWhereabouts(account); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(n.conf, "whereabouts.d")
	kubeconfig := filepath.Join(dir, "whereabouts.kubeconfig")
	loaded, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}, nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Host != "https://api-int.demo.okd.test:6443" || loaded.BearerToken != "secret" ||
		string(loaded.CAData) != "CA" {
		t.Errorf("%+v", loaded)
	}
	if info, err := os.Stat(kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the token: %v %v", info, err)
	}
	var conf struct {
		Datastore  string
		Kubernetes struct{ Kubeconfig string }
	}
	data, err := os.ReadFile(filepath.Join(dir, "whereabouts.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &conf); err != nil {
		t.Fatal(err)
	}
	want := "/etc/kubernetes/cni/net.d/whereabouts.d/whereabouts.kubeconfig"
	if conf.Datastore != "kubernetes" || conf.Kubernetes.Kubeconfig != want {
		t.Errorf("%s", data)
	}
}

func TestEntrypointWaitsForTheDefaultNetwork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "10-okd-lab.conflist")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := await(ctx, clock.Real(), file); err == nil || !strings.Contains(err.Error(), "default network") {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := await(context.Background(), clock.Real(), file); err != nil {
		t.Error(err)
	}
	if err := runEntrypoint(context.Background(), []string{"--await=" + file}); err == nil {
		t.Error("no program was accepted")
	}
	absent := filepath.Join(t.TempDir(), "absent")
	err := runEntrypoint(context.Background(), []string{"--await=" + file, "--", absent})
	if err == nil || !strings.Contains(err.Error(), absent) {
		t.Errorf("a program that does not exist: %v", err)
	}
}
