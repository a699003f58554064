package install

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/pki"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// Which keys are used to log in to which hosts.
func TestLogins(t *testing.T) {
	key := func(comment string) pki.SSHKey {
		made, err := pki.NewSSHKey(comment)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	made, users, other := key("made"), key("user@desk"), key("other")
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{
		"id_ed25519": string(other.PrivatePEM), "work": string(users.PrivatePEM), "id_rsa": "not a key",
	} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	a := &App{Sink: event.SinkFunc(func(e event.Event) { said = append(said, e.Message) }),
		Getenv: func(key string) string { return map[string]string{"HOME": home}[key] }}
	stored := pki.SSHKeys{User: made, Host: made}
	named := filepath.Join(home, ".ssh", "id_ed25519")
	tests := []struct {
		name            string
		keys            pki.SSHKeys
		sshKey          string
		files           []string
		host, masters   string // comments of the keys
		missing, failed string
	}{
		{
			"the installation's and the user's", stored, "# mine\n" + users.AuthorizedKey + "\n", nil,
			"made user@desk", "user@desk", "", "",
		},
		{
			"with one that the user names", stored, users.AuthorizedKey, []string{named},
			"made other user@desk", "other user@desk", "", "",
		},
		{"nobody knows which", pki.SSHKeys{}, "", nil, "other", "other", "", ""},
		{
			"not there", stored, key("gone@desk").AuthorizedKey, nil, "made", "",
			"(gone@desk), the sshKey of install-config.yaml, was not found: looked in --key (none was given), " +
				"the SSH agent (none answers: SSH_AUTH_SOCK), " + home + "/.ssh (2 private keys)", "",
		},
		{
			"a file that is none", stored, "", []string{filepath.Join(home, "none")},
			"", "", "", "read SSH key: open " + home + "/none",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o gather.Options
			err := a.logins(t.Context(), &o, tt.keys, &types.InstallConfig{SSHKey: tt.sshKey}, tt.files)
			if tt.failed != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.failed) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			comments := func(keys [][]byte) string {
				var out []string
				for _, pem := range keys {
					for _, k := range []pki.SSHKey{made, users, other} {
						if string(k.PrivatePEM) == string(pem) {
							out = append(out, strings.Fields(k.AuthorizedKey)[2])
						}
					}
				}
				return strings.Join(out, " ")
			}
			if host, masters := comments(o.SSH.Keys), comments(o.MasterSSH.Keys); host != tt.host || masters != tt.masters {
				t.Errorf("keys for the bootstrap host %q, for the masters %q", host, masters)
			}
			if !strings.Contains(o.NoKey, tt.missing) || (o.NoKey == "") != (tt.missing == "") {
				t.Errorf("missing: %q", o.NoKey)
			}
			if o.SSH.HostKey != tt.keys.Host.AuthorizedKey || o.MasterSSH.HostKey != "" || o.SSH.Agent != nil {
				t.Errorf("%+v", o.SSH)
			}
			err = o.SSH.Unknown("198.18.0.20:22", "SHA256:x")
			if err != nil || !strings.Contains(strings.Join(said, "\n"), "198.18.0.20:22 (SHA256:x)") {
				t.Errorf("a host that nobody knows: %v, said %q", err, said)
			}
		})
	}
}

// The masters are those of the platform under their own addresses, and those
// that are planned.
func TestMastersOf(t *testing.T) {
	addrs := func(list ...string) (out []netip.Addr) {
		for _, a := range list {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	cfg := &types.InstallConfig{
		Platform: types.Platform{Settings: &ovirtconfig.Platform{
			APIVIPs: addrs("198.18.0.10"), IngressVIPs: addrs("198.18.0.11"),
		}},
		Networking: &types.Networking{
			MachineNetwork: []types.MachineNetworkEntry{{CIDR: netip.MustParsePrefix("198.18.0.0/24")}},
		},
	}
	found := []machines.Machine{
		{Name: "m0", Role: "master", Addresses: addrs("10.88.0.1", "198.18.0.10", "198.18.0.21")},
		{Name: "w0", Role: "worker", Addresses: addrs("198.18.0.31")},
		{Name: "m1", Role: "master"},
	}
	got := fmt.Sprint(mastersOf(found, []string{"m0", "m1", "m2"}, cfg))
	if want := "[m0 (198.18.0.21) m1 m2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got = fmt.Sprint(mastersOf(found[:1], nil, &types.InstallConfig{}))
	if got != "[m0 (10.88.0.1, 198.18.0.10, 198.18.0.21)]" {
		t.Errorf("without an install-config: %s", got)
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
	hosts, masters := a.findHosts(t.Context(), api, &types.InstallConfig{}, []string{"demo-1-master-0"})
	if !slices.Equal(hosts, []string{"198.18.0.20"}) || len(masters) != 0 {
		t.Errorf("hosts %v, masters %v", hosts, masters)
	}
	env["OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP"] = "198.18.0.99"
	hosts, _ = a.findHosts(t.Context(), nil, &types.InstallConfig{}, nil)
	if !slices.Equal(hosts, []string{"198.18.0.99"}) {
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
