package assets_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
)

// layoutExample finds the install-config below a heading of docs/user/layouts.md.
var layoutExample = regexp.MustCompile("(?ms)^## ([^\n]+)\n(?:[^#`]|`[^`]+`|\n[^#`])*?```yaml\n(.*?)^```$")

// TestLayouts generates every layout of the user's page and compares what the cluster is
// told with the page's table.
func TestLayouts(t *testing.T) {
	page, err := os.ReadFile("../../docs/user/layouts.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{}
	for _, m := range layoutExample.FindAllStringSubmatch(string(page), -1) {
		examples[m[1]] = m[2]
	}
	for _, tt := range []struct {
		heading        string
		control, infra configv1.TopologyMode
		schedulable    bool
		arbiter        bool
		row            string // of the table
	}{
		{"Single node", configv1.SingleReplicaTopologyMode, configv1.SingleReplicaTopologyMode, true, false,
			"single node"},
		{"Compact", configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableTopologyMode, true, false, "compact"},
		{"Masters and workers", configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableTopologyMode, false, false,
			"with more workers"},
		{"Four or five masters", configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableTopologyMode, false, false,
			"with more workers"},
		{"Two masters and an arbiter", configv1.HighlyAvailableArbiterMode, configv1.HighlyAvailableTopologyMode, true,
			true, "two masters and an arbiter"},
	} {
		t.Run(tt.heading, func(t *testing.T) {
			config := examples[tt.heading]
			if config == "" {
				t.Fatalf("the page has no example; it has %d", len(examples))
			}
			checkLayout(t, config, tt.control, tt.infra, tt.schedulable, tt.arbiter)
			if row := fmt.Sprintf("| %s | %s | %s | %s", tt.row, tt.control, tt.infra,
				map[bool]string{true: "yes", false: "no"}[tt.schedulable]); !strings.Contains(string(page), row) {
				t.Errorf("the page's table has no row %q", row)
			}
		})
	}
	t.Run("one worker", func(t *testing.T) {
		config := strings.Replace(examples["Masters and workers"], "replicas: 2", "replicas: 1", 1)
		checkLayout(t, config, configv1.HighlyAvailableTopologyMode, configv1.SingleReplicaTopologyMode, false, false)
	})
	t.Run("four masters", func(t *testing.T) {
		config := strings.Replace(examples["Four or five masters"], "replicas: 5", "replicas: 4", 1)
		checkLayout(t, config, configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableTopologyMode, false, false)
	})
}

func checkLayout(t *testing.T, config string, control, infra configv1.TopologyMode, schedulable, arbiter bool) {
	t.Helper()
	dir := warmDir(t)
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := open(t, dir, agentDeps()).Run(context.Background(), nil,
		assets.Manifests, assets.OpenShift, assets.ArbiterIgnition, assets.AgentBootstrapIgnition, assets.ClusterManifests)
	if err != nil {
		t.Fatal(err)
	}
	manifests := asset.Of(r, assets.Manifests)
	var cluster configv1.Infrastructure
	var scheduler configv1.Scheduler
	for name, into := range map[string]any{
		"manifests/cluster-infrastructure-02-config.yml": &cluster, "manifests/cluster-scheduler-02-config.yml": &scheduler,
	} {
		if err := yaml.Unmarshal(manifests.Data(name), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if got := cluster.Status; got.ControlPlaneTopology != control || got.InfrastructureTopology != infra {
		t.Errorf("topologies %s and %s, want %s and %s", got.ControlPlaneTopology, got.InfrastructureTopology, control, infra)
	}
	if scheduler.Spec.MastersSchedulable != schedulable {
		t.Errorf("pods on masters: %v, want %v", scheduler.Spec.MastersSchedulable, schedulable)
	}
	if got := len(asset.Of(r, assets.ArbiterIgnition)) > 0; got != arbiter {
		t.Errorf("arbiter.ign: %v, want %v", got, arbiter)
	}
	const secret = "openshift/99_openshift-cluster-api_arbiter-user-data-secret.yaml"
	if got := asset.Of(r, assets.OpenShift).Data(secret) != nil; got != arbiter {
		t.Errorf("%s: %v, want %v", secret, got, arbiter)
	}
}
