package install

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/pki"
)

// Which keys are used to log in to the hosts.
func TestLogin(t *testing.T) {
	made, err := pki.NewSSHKey(rand.Reader, "made")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"id_ed25519": string(made.PrivatePEM), "id_rsa": "not a key"} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	a := &App{Sink: event.SinkFunc(func(e event.Event) { said = append(said, e.Message) }),
		Getenv: func(key string) string { return map[string]string{"HOME": home}[key] }}
	stored := pki.SSHKeys{User: made, Host: made}
	for name, tt := range map[string]struct {
		keys  pki.SSHKeys
		flags GatherOptions
		want  int // keys, besides those of the flags
	}{
		"the installation's":         {stored, GatherOptions{}, 1},
		"those of the flags":         {pki.SSHKeys{}, GatherOptions{Keys: []string{"x"}}, 0},
		"none: those that ssh takes": {pki.SSHKeys{}, GatherOptions{}, 1},
	} {
		cfg := a.login(t.Context(), tt.keys, tt.flags)
		if len(cfg.Keys) != tt.want || cfg.HostKey != tt.keys.Host.AuthorizedKey || cfg.Agent != nil {
			t.Errorf("%s: %d keys, host key %q, agent %v", name, len(cfg.Keys), cfg.HostKey, cfg.Agent)
		}
		if err := cfg.Unknown("198.18.0.20:22", "SHA256:x"); err != nil || !strings.Contains(strings.Join(said, "\n"), "198.18.0.20:22 (SHA256:x)") {
			t.Errorf("%s: a host that nobody knows: %v, said %q", name, err, said)
		}
	}
}

// Where the machines are the user's, the cluster itself may know the address of
// the bootstrap host.
func TestFindHosts(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/namespaces/openshift-etcd/configmaps/etcd-endpoints" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{"alpha.installer.openshift.io/etcd-bootstrap": "198.18.0.20"},
		}})
	}))
	t.Cleanup(s.Close)
	api, err := kube.New(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	a := &App{Dir: t.TempDir(), Sink: event.Discard, Getenv: func(key string) string { return env[key] }}
	data, err := json.Marshal(assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.path(metadataFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
	hosts, masters := a.findHosts(t.Context(), api, []string{"198.18.0.21"})
	if !slices.Equal(hosts, []string{"198.18.0.20"}) || !slices.Equal(masters, []string{"198.18.0.21"}) {
		t.Errorf("hosts %v, masters %v", hosts, masters)
	}
	env["OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP"] = "198.18.0.99"
	if hosts, _ := a.findHosts(t.Context(), nil, nil); !slices.Equal(hosts, []string{"198.18.0.99"}) {
		t.Errorf("without an API: %v", hosts)
	}
}

// A run that goes on where another stopped sees the events of etcd again, and
// keeps them once.
func TestMembersAreNotedOnce(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	for run := range 2 {
		j := phase.OpenJournal(dir, phase.Keeping{Now: time.Now, Sink: event.Discard})
		j.Begin(phase.Run{Command: "create cluster"})
		c := &creation{journal: j}
		if fresh := c.noteMember(at, "etcd: master-0 joined"); fresh != (run == 0) {
			t.Errorf("run %d: fresh %v", run, fresh)
		}
		// The same again later is something else: it left and came back.
		if run == 1 && !c.noteMember(at.Add(time.Minute), "etcd: master-0 joined") {
			t.Error("a second time is lost")
		}
	}
	runs, err := phase.ReadJournal(dir)
	if err != nil || len(runs[0].Notes) != 1 || len(runs[1].Notes) != 1 {
		t.Errorf("%+v, %v", runs, err)
	}
}
