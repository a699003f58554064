package assets_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
)

func agentDeps() assets.Deps {
	d := deps()
	d.AgentBased = true
	return d
}

const agentConfig = "apiVersion: v1beta1\nkind: AgentConfig\nrendezvousIP: 198.18.0.42\n"

func agentBootstrap(t *testing.T, c testCase) map[string][]byte {
	t.Helper()
	dir := c.dir(t)
	if err := os.WriteFile(filepath.Join(dir, "agent-config.yaml"), []byte(agentConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	i := open(t, dir, agentDeps())
	asset.Set(i.Store(), assets.RendezvousIP, netip.MustParseAddr("198.18.0.42"))
	r, err := i.Run(context.Background(), nil, assets.AgentBootstrapIgnition)
	if err != nil {
		t.Fatal(err)
	}
	return ignitionFiles(t, asset.Of(r, assets.AgentBootstrapIgnition))
}

func TestAgentBootstrap(t *testing.T) {
	for _, tt := range []struct {
		testCase
		inPlace bool
	}{
		{testCase{baremetal, regular}, false}, {testCase{none, "compact"}, false}, {testCase{baremetal, "arbiter"}, false},
		{testCase{none, "single-node"}, true}, {testCase{none, "in-place"}, true}, {testCase{external, "single-node"}, true},
	} {
		t.Run(tt.String(), func(t *testing.T) {
			t.Parallel()
			files := agentBootstrap(t, tt.testCase)
			for path, want := range map[string]bool{
				"/opt/openshift/assisted-install-bootstrap":           !tt.inPlace,
				"/usr/local/bin/agent-approver.sh":                    !tt.inPlace,
				"/opt/openshift/bootstrap-in-place/master-update.fcc": tt.inPlace,
				"/opt/openshift/bootstrap-in-place/installation-disk": false,
				"/etc/hostname":                                           false,
				"/etc/ssh/ssh_host_ed25519_key":                           true,
				"/usr/local/bin/install-to-disk.sh":                       false,
				"/usr/local/bin/okd-bootstrap.sh":                         true,
				"/etc/NetworkManager/dispatcher.d/30-local-dns-prepender": tt.platform == baremetal,
			} {
				if _, has := files[path]; has != want {
					t.Errorf("%s is there: %v, want %v", path, has, want)
				}
			}
			if env := string(files["/etc/kubernetes/kubelet.env"]); env != "NODE_IP=198.18.0.42\n" {
				t.Errorf("address of the host: %q", env)
			}
			var stages struct{ Stages []struct{ Name string } }
			if err := json.Unmarshal(files["/opt/openshift/stages.json"], &stages); err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{}
			for _, s := range stages.Stages {
				names[s.Name] = true
			}
			if names["master-ignition"] != tt.inPlace || names["agent-approver"] == tt.inPlace ||
				names["cvo-overrides"] == tt.inPlace {
				t.Errorf("stages %v", names)
			}
			// The etcd operator decides by this field.
			var cluster struct{ Data map[string]string }
			if err := yaml.Unmarshal(files["/opt/openshift/manifests/cluster-config.yaml"], &cluster); err != nil {
				t.Fatal(err)
			}
			if has := strings.Contains(cluster.Data["install-config"], "bootstrapInPlace:"); has != tt.inPlace {
				t.Errorf("cluster config says in place: %v", has)
			}
		})
	}
}
