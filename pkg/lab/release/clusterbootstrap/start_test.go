package clusterbootstrap

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// TestApply needs several passes: a namespace and a definition come late.
func TestApply(t *testing.T) {
	server := kubetest.New(t)
	server.Define("v1", metav1.APIResource{Name: "configmaps", Kind: "ConfigMap", Namespaced: true})
	refusals := 0
	server.Refuse(func(_, path string) int {
		if !strings.Contains(path, "/not-yet/") || refusals >= 2 {
			return 0
		}
		if refusals++; refusals == 2 {
			infrastructures := metav1.APIResource{Name: "infrastructures", Kind: "Infrastructure"}
			go server.Define("config.openshift.io/v1", infrastructures) // it holds its lock here
		}
		return http.StatusNotFound
	})
	dir := t.TempDir()
	for name, text := range map[string]string{
		"00_infra.yml": "apiVersion: config.openshift.io/v1\nkind: Infrastructure\nmetadata: {name: cluster}\n",
		"01.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, namespace: not-yet}\n",
		"notes.txt":    "not a manifest",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := applyTo(t, server, dir, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/apis/config.openshift.io/v1/infrastructures/cluster", "/api/v1/namespaces/not-yet/configmaps/late",
	} {
		if !server.Get(path, new(any)) {
			t.Errorf("%s was not created", path)
		}
	}
	if refusals != 2 {
		t.Errorf("%d refusals: the passes did not happen", refusals)
	}
}

func applyTo(t *testing.T, server *kubetest.Server, dir string, limit time.Duration) error {
	t.Helper()
	c, err := api.New("test", server.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return apply(ctx, c, clock.Real(), slog.New(slog.DiscardHandler), dir)
}

func TestApplyNamesWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	text := "apiVersion: example.test/v1\nkind: Thing\nmetadata: {name: x}\n"
	if err := os.WriteFile(filepath.Join(dir, "thing.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	err := applyTo(t, kubetest.New(t), dir, 500*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "thing.yaml") || !strings.Contains(err.Error(), "Thing") {
		t.Errorf("error %v does not name the file and the kind", err)
	}
}

func TestBrokenManifestIsAnError(t *testing.T) {
	for _, text := range []string{"kind: X\n", "a: [", ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := applyTo(t, kubetest.New(t), dir, time.Second)
		if err == nil || !strings.Contains(err.Error(), "read manifest") {
			t.Errorf("%q was accepted: %v", text, err)
		}
	}
}

func TestParsePods(t *testing.T) {
	got, err := parsePods([]string{"ns/a", " api:openshift-kube-apiserver/kube-apiserver|other/x ", ""})
	if err != nil || len(got) != 2 || len(got[1].any) != 2 || got[1].name != "api" ||
		got[1].any[1] != (podPrefix{"other", "x"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := parsePods([]string{"nonsense"}); err == nil {
		t.Error("a pod without namespace was accepted")
	}
}

func TestTemporaryUpAndDown(t *testing.T) {
	root := t.TempDir()
	in := func(s string) string { return filepath.Join(root, s) }
	for name, text := range map[string]string{
		"assets/tls/a.key": "k", "assets/auth/kubeconfig-loopback": "c",
		"assets/bootstrap-manifests/kube-apiserver-pod.yaml": "one", "manifests/etcd-member-pod.yaml": "etcd",
	} {
		if err := os.MkdirAll(filepath.Dir(in(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := options{
		assetDir: in("assets"), manifestDir: in("manifests"), secretsDir: in("secrets"),
		clock: clock.Real(), log: slog.New(slog.DiscardHandler),
	}
	first := temporary{options: o}
	if err := first.up(); err != nil {
		t.Fatal(err)
	}
	// The same again, as after a reboot in the middle, is fine; another file of
	// that name is somebody else's pod.
	again := temporary{options: o}
	if err := again.up(); err != nil {
		t.Errorf("second start: %v", err)
	}
	if data, err := os.ReadFile(in("secrets/kubeconfig")); err != nil || string(data) != "c" {
		t.Errorf("kubeconfig: %q %v", data, err)
	}
	if err := again.down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(in("manifests"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "etcd-member-pod.yaml" {
		t.Errorf("left after tear-down: %v %v", entries, err)
	}
	if _, err := os.Stat(in("secrets")); !os.IsNotExist(err) {
		t.Errorf("secrets left: %v", err)
	}
	if err := os.WriteFile(in("manifests/kube-apiserver-pod.yaml"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := temporary{options: o}
	if err := third.up(); err == nil {
		t.Error("a foreign manifest was overwritten")
	}
}
