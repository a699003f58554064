package assets_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	configv1 "github.com/openshift/api/config/v1"

	metal "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// contract is every manifest that openshift-install writes on these platforms:
// its name, and how many there are of it. With %s in the name they are numbered,
// with leading zeros if there are ten or more.
var contract = []struct {
	file  string
	count func(*types.InstallConfig) int
}{
	{"manifests/cluster-config.yaml", always},
	{"manifests/cluster-dns-02-config.yml", always},
	{"manifests/cluster-infrastructure-02-config.yml", always},
	{"manifests/cluster-ingress-02-config.yml", always},
	{"manifests/cluster-network-02-config.yml", always},
	{"manifests/cluster-network-03-config.yml", joinSubnet},
	{"manifests/cluster-proxy-01-config.yaml", always},
	{"manifests/cluster-scheduler-02-config.yml", always},
	{"manifests/cvo-overrides.yaml", always},
	{"manifests/kube-cloud-config.yaml", always},
	{"manifests/kube-system-configmap-root-ca.yaml", always},
	{"manifests/machine-config-server-tls-secret.yaml", always},
	{"manifests/machine-config-server-ca-secret.yaml", always},
	{"manifests/machine-config-server-ca-configmap.yaml", always},
	{"manifests/openshift-config-secret-pull-secret.yaml", always},
	{"manifests/user-ca-bundle-config.yaml",
		func(c *types.InstallConfig) int { return once(c.AdditionalTrustBundle != "") }},
	{"manifests/image-digest-mirror-set.yaml",
		func(c *types.InstallConfig) int { return once(len(c.ImageDigestSources) > 0) }},
	{"manifests/image-content-source-policy.yaml",
		func(c *types.InstallConfig) int { return once(len(c.ImageContentSources) > 0) }},
	{"manifests/bmc-verify-ca-configmap.yaml", func(c *types.InstallConfig) int {
		return once(metal.Of(c) != nil && metal.Of(c).BMCVerifyCA != "")
	}},

	{"openshift/99_kubeadmin-password-secret.yaml", always},
	{"openshift/99_feature-gate.yaml", always},
	{"openshift/openshift-install-manifests.yaml", always},
	{"openshift/99_openshift-cluster-api_master-user-data-secret.yaml", always},
	{"openshift/99_openshift-cluster-api_worker-user-data-secret.yaml", always},
	{"openshift/99_openshift-cluster-api_arbiter-user-data-secret.yaml", arbiter},
	{"openshift/99_openshift-machineconfig_99-master-ssh.yaml", sshKey},
	{"openshift/99_openshift-machineconfig_99-worker-ssh.yaml", sshKey},
	{"openshift/99_openshift-machineconfig_99-arbiter-ssh.yaml",
		func(c *types.InstallConfig) int { return sshKey(c) * arbiter(c) }},
	{"openshift/99_openshift-machineconfig_99-master-fips.yaml", fips},
	{"openshift/99_openshift-machineconfig_99-worker-fips.yaml", fips},
	{"openshift/99_openshift-machineconfig_99-master-disable-hyperthreading.yaml",
		func(c *types.InstallConfig) int { return once(c.ControlPlane.Hyperthreading == "Disabled") }},
	{"openshift/99_openshift-machineconfig_99-worker-disable-hyperthreading.yaml",
		func(c *types.InstallConfig) int { return once(c.Compute[0].Hyperthreading == "Disabled") }},
	{"openshift/99_openshift-etcd_fencing-credentials-secrets-%s.yaml",
		func(c *types.InstallConfig) int { return 2 * once(c.ControlPlane.Fencing != nil) }},

	// Platform oVirt is BareMetal inside the cluster, without any of these.
	{"openshift/99_baremetal-provisioning-config.yaml",
		func(c *types.InstallConfig) int { return once(managed(c, configv1.ClusterVersionCapabilityBaremetal)) }},
	{"openshift/99_openshift-cluster-api_master-machines-%s.yaml", machines((*types.InstallConfig).Masters)},
	{"openshift/99_openshift-cluster-api_arbiter-machines-%s.yaml", machines(arbiter)},
	// Ours: the installer installs workers, too. The reference has such files on vSphere.
	{"openshift/99_openshift-cluster-api_worker-machines-%s.yaml", machines((*types.InstallConfig).Workers)},
	{"openshift/99_openshift-cluster-api_worker-machineset-%s.yaml",
		machines(func(c *types.InstallConfig) int { return len(c.Compute) })},
	{"openshift/99_openshift-cluster-api_hosts-%s.yaml", machines(ordinaryHosts)},
	{"openshift/99_openshift-cluster-api_host-bmc-secrets-%s.yaml", machines(ordinaryHosts)},
	{"openshift/99_openshift-cluster-api_host-network-config-secrets-%s.yaml",
		machines(func(c *types.InstallConfig) int { return networkConfigs(c) - arbiter(c) })},
	{"openshift/99_openshift-cluster-api_arbiter_hosts-%s.yaml", machines(arbiter)},
	{"openshift/99_openshift-cluster-api_arbiter_host-bmc-secrets-%s.yaml", machines(arbiter)},
	// The arbiter of the test has a configuration.
	{"openshift/99_openshift-cluster-api_arbiter_host-network-config-secrets-%s.yaml", machines(arbiter)},
}

func once(when bool) int {
	if when {
		return 1
	}
	return 0
}

func always(*types.InstallConfig) int   { return 1 }
func sshKey(c *types.InstallConfig) int { return once(c.SSHKey != "") }
func fips(c *types.InstallConfig) int   { return once(c.FIPS) }

func arbiter(c *types.InstallConfig) int { return c.Arbiters() }

func joinSubnet(c *types.InstallConfig) int {
	o := c.Networking.OVNKubernetesConfig
	return once(o != nil && o.IPv4 != nil && o.IPv4.InternalJoinSubnet.IsValid())
}

func managed(c *types.InstallConfig, by configv1.ClusterVersionCapability) bool {
	return metal.Of(c) != nil && slices.Contains(c.EnabledCapabilities(), by)
}

func machines(count func(*types.InstallConfig) int) func(*types.InstallConfig) int {
	return func(c *types.InstallConfig) int {
		if !managed(c, configv1.ClusterVersionCapabilityMachineAPI) {
			return 0
		}
		return count(c)
	}
}

func ordinaryHosts(c *types.InstallConfig) int { return len(metal.Of(c).Hosts) - arbiter(c) }

func networkConfigs(c *types.InstallConfig) (n int) {
	for _, h := range metal.Of(c).Hosts {
		n += once(h.NetworkConfig != nil)
	}
	return n
}

// The set of files is that of openshift-install, for every case, apart from what is said to be ours.
func TestFileSet(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.String(), func(t *testing.T) {
			config, files := c.render(t)
			var want []string
			for _, row := range contract {
				n := row.count(config)
				for i := range n {
					name := row.file
					if strings.Contains(name, "%s") {
						name = fmt.Sprintf(name, fmt.Sprintf("%0*d", len(strconv.Itoa(n)), i))
					}
					want = append(want, name)
				}
			}
			slices.Sort(want)
			if d := cmp.Diff(want, files.Paths()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// No case leaves a row of the contract unused.
func TestFileSetIsCovered(t *testing.T) {
	used := map[string]bool{}
	for _, c := range allCases() {
		config := c.config(t)
		for _, row := range contract {
			used[row.file] = used[row.file] || row.count(config) > 0
		}
	}
	for _, row := range contract {
		if !used[row.file] {
			t.Errorf("no case has %s", row.file)
		}
	}
}
