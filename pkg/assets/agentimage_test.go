package assets_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
)

const (
	agentHead = `apiVersion: v1
metadata: {name: demo}
baseDomain: okd.test
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
sshKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC2t66Y8jqA6iglM+/cf9SK9to/kWF5ZOKQuzBizIkt0 me
networking: {machineNetwork: [{cidr: 198.18.0.0/24}]}
`
	agentMetal = agentHead + `compute: [{name: worker, replicas: 2}]
platform: {baremetal: {apiVIPs: [198.18.0.10], ingressVIPs: [198.18.0.11]}}
`
	agentSingle = agentHead + `controlPlane: {name: master, replicas: 1}
compute: [{name: worker, replicas: 0}]
platform: {none: {}}
`
	agentHosts = `apiVersion: v1beta1
additionalNTPSources: [ntp.test]
hosts:
- hostname: worker-0
  role: worker
  interfaces: [{name: eno1, macAddress: 52-54-00-00-00-0A}]
  networkConfig:
    interfaces: [{name: eno1, ipv4: {enabled: true, address: [{ip: 198.18.0.30, prefix-length: 24}]}}]
- hostname: master-0
  role: master
  rootDeviceHints: {deviceName: /dev/sda}
  interfaces: [{name: eno1, macAddress: 52:54:00:00:00:01}]
  networkConfig:
    interfaces: [{name: eno1, ipv4: {enabled: true, address: [{ip: 198.18.0.20, prefix-length: 24}]}}]
`
)

// agentDir is a directory with inputs and keys; an input may be empty for none.
func agentDir(t *testing.T, config, hosts string) string {
	t.Helper()
	dir := warmDir(t)
	for name, text := range map[string]string{configFile: config, "agent-config.yaml": hosts} {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if text != "" {
			write(t, path, text)
		}
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func imageDeps(at time.Time) assets.Deps {
	d := deps()
	d.AgentBased, d.Clock = true, clock.NewFake(at)
	return d
}

// makeImage runs what agent create image does with the assets.
func makeImage(t *testing.T, dir string, d assets.Deps) (assets.AgentImage, error) {
	t.Helper()
	i := open(t, dir, d)
	defer i.Close()
	if err := i.TakeGiven(t.Context()); err != nil {
		return assets.AgentImage{}, err
	}
	return i.AgentImage(t.Context())
}

func rendered(t *testing.T, image assets.AgentImage) []byte {
	t.Helper()
	config, err := live.Ignition(image.Live)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// liveFiles are the files of the live system.
func liveFiles(t *testing.T, image assets.AgentImage) map[string]string {
	t.Helper()
	c, _, err := v3_2.Parse(rendered(t, image))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range c.Storage.Files {
		u, err := dataurl.DecodeString(*f.Contents.Source)
		if err != nil {
			t.Fatal(err)
		}
		if f.Contents.Compression != nil {
			r, err := gzip.NewReader(bytes.NewReader(u.Data))
			if err != nil {
				t.Fatal(err)
			}
			if u.Data, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		out[f.Path] = string(u.Data)
	}
	return out
}

func agentConfigIn(t *testing.T, files map[string]string) *agent.Config {
	t.Helper()
	c, err := agent.Decode([]byte(files[agent.ConfigFile]))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAgentImage(t *testing.T) {
	dir := agentDir(t, agentMetal, agentHosts)
	image, err := makeImage(t, dir, imageDeps(t0))
	if err != nil {
		t.Fatal(err)
	}
	files := liveFiles(t, image)
	c := agentConfigIn(t, files)
	if c.Rendezvous.String() != "198.18.0.20" || c.Masters != 3 || c.Workers != 2 || c.InPlace || c.ResolvedByOthers {
		t.Errorf("config %+v", c)
	}
	if len(c.Hosts) != 2 || c.Hosts[0].MACs[0] != "52:54:00:00:00:0a" || c.Hosts[1].Hints.DeviceName != "/dev/sda" {
		t.Errorf("hosts %+v", c.Hosts)
	}
	if len(c.OtherNetworks) != 2 || len(c.MachineNetworks) != 1 || len(c.APIVIPs) != 1 || c.ReleaseImage != testImage {
		t.Errorf("networks %+v", c)
	}
	if want := t0.Add(assets.AgentLife); !c.Expires.Equal(want) || c.Expires != image.Access.Expires {
		t.Errorf("expires at %s", c.Expires)
	}
	certs, err := pki.ParseCertificates([]byte(c.Certificate))
	if err != nil || len(certs[0].IPAddresses) != 1 || certs[0].IPAddresses[0].String() != "198.18.0.20" {
		t.Errorf("certificate %v, %v", certs, err)
	}
	if !certs[0].NotBefore.Before(t0.Add(-12 * time.Hour)) {
		t.Errorf("a host whose clock is slow refuses a certificate that is valid from %s on", certs[0].NotBefore)
	}
	want := []string{
		agent.Dir + "/bootstrap.ign", agent.Dir + "/master.ign", agent.Dir + "/worker.ign",
		agent.NetworkDir + "/host0/eno1.nmconnection", agent.NetworkDir + "/host1/mac_interface.ini",
		"/etc/chrony.conf", "/root/.docker/config.json",
	}
	for _, name := range want {
		if files[name] == "" {
			t.Errorf("no %s in %v", name, slices.Sorted(maps.Keys(files)))
		}
	}
	if !strings.Contains(files[agent.Dir+"/bootstrap.ign"], "/opt/openshift/assisted-install-bootstrap") {
		t.Error("the etcd operator waits for a third master, which bootstraps")
	}
	written := tree(t, dir)
	if string(written["rendezvousIP"]) != "198.18.0.20\n" || written["auth/kubeconfig"] == nil {
		t.Errorf("wrote %v", slices.Sorted(maps.Keys(written)))
	}
	again, err := makeImage(t, dir, imageDeps(t0.Add(20*time.Hour)))
	if err != nil || !bytes.Equal(rendered(t, again), rendered(t, image)) {
		t.Errorf("a second image is another one: %v", err)
	}
	stored, err := assets.StoredWatcher(dir, nil)
	if err != nil || stored.Token.Reveal() != c.WatcherToken.Reveal() || stored.CA != c.CA {
		t.Errorf("stored %+v, %v", stored, err)
	}
	plan, err := assets.StoredAgentPlan(dir, nil)
	if err != nil || !slices.Equal(plan.Hostnames, []string{"worker-0", "master-0"}) || plan.Masters != 3 {
		t.Errorf("plan %+v, %v", plan, err)
	}
}

// A later image has new tokens, but is of the same cluster and trusts the same CA.
func TestAgentTokensAreRenewed(t *testing.T) {
	dir := agentDir(t, agentMetal, agentHosts)
	first, err := makeImage(t, dir, imageDeps(t0))
	if err != nil {
		t.Fatal(err)
	}
	later := t0.Add(assets.AgentLife)
	second, err := makeImage(t, dir, imageDeps(later))
	if err != nil {
		t.Fatal(err)
	}
	if first.Access.Token.Reveal() == second.Access.Token.Reveal() || first.Access.CA != second.Access.CA {
		t.Error("the token is the same, or the CA is not")
	}
	if end := second.Access.Expires; end.Before(later.Add(assets.AgentLife / 2)) {
		t.Errorf("made at %s, and cannot be used after %s", later, end)
	}
	one, two := agentConfigIn(t, liveFiles(t, first)), agentConfigIn(t, liveFiles(t, second))
	if one.InfraID != two.InfraID || one.Image != two.Image {
		t.Errorf("%s, image %s, became %s, image %s", one.InfraID, one.Image, two.InfraID, two.Image)
	}
}

// The name of an image stays until it is told to change: what it has installed is recognized by it.
func TestImageName(t *testing.T) {
	dir := agentDir(t, agentMetal, agentHosts)
	name := func() string {
		image, err := makeImage(t, dir, imageDeps(t0))
		if err != nil {
			t.Fatal(err)
		}
		return agentConfigIn(t, liveFiles(t, image)).Image
	}
	first := name()
	if again := name(); len(first) < 16 || again != first {
		t.Errorf("%q became %q", first, again)
	}
	i := open(t, dir, imageDeps(t0))
	err := i.RenewAgentAccess()
	i.Close()
	if second := name(); err != nil || second == first || second != name() {
		t.Errorf("%q is still %q: %v", first, second, err)
	}
}

// No token is of use longer than the certificates that the bootstrap needs.
func TestAgentExpiresWithCertificates(t *testing.T) {
	short := strings.Replace(agentMetal, "compute:",
		"featureSet: CustomNoUpgrade\nfeatureGates: [ShortCertRotation=true]\ncompute:", 1)
	image, err := makeImage(t, agentDir(t, short, agentHosts), imageDeps(t0))
	if err != nil {
		t.Fatal(err)
	}
	if want := t0.Add(time.Hour); !image.Access.Expires.Equal(want) {
		t.Errorf("expires at %s, not at %s", image.Access.Expires, want)
	}
}

func TestSingleNodeImage(t *testing.T) {
	image, err := makeImage(t, agentDir(t, agentSingle, "apiVersion: v1beta1\nrendezvousIP: 198.18.0.20\n"), imageDeps(t0))
	if err != nil {
		t.Fatal(err)
	}
	files := liveFiles(t, image)
	if c := agentConfigIn(t, files); !c.InPlace || !c.ResolvedByOthers || c.Required() != 1 {
		t.Errorf("config %+v", c)
	}
	if !strings.Contains(files[agent.Dir+"/bootstrap.ign"], "bootstrap-in-place") {
		t.Error("the only host does not install itself")
	}
}

// Edits of manifests count for the cluster, not only for its hosts.
func TestEditedAgentManifests(t *testing.T) {
	dir := agentDir(t, agentMetal, agentHosts)
	i := open(t, dir, imageDeps(t0))
	if err := i.ClusterManifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, "cluster-manifests/agent-cluster-install.yaml", "controlPlaneAgents: 3", "controlPlaneAgents: 5")
	rewrite(t, dir, "cluster-manifests/agent-cluster-install.yaml", "10.128.0.0/14", "10.132.0.0/14")
	rewrite(t, dir, "cluster-manifests/infraenv.yaml", "- ntp.test", "- other.test")
	rewrite(t, dir, "cluster-manifests/nmstateconfig.yaml", "ip: 198.18.0.20", "ip: 198.18.0.21")
	image, err := makeImage(t, dir, imageDeps(t0))
	if err != nil {
		t.Fatal(err)
	}
	files := liveFiles(t, image)
	c := agentConfigIn(t, files)
	if c.Masters != 5 || c.Workers != 2 || !slices.Contains(c.NTPSources, "other.test") {
		t.Errorf("config %+v", c)
	}
	if profile := files[agent.NetworkDir+"/host1/eno1.nmconnection"]; !strings.Contains(profile, "198.18.0.21/24") {
		t.Errorf("profile:\n%s", profile)
	}
	manifest := onBootstrapHostOf(t, files[agent.Dir+"/bootstrap.ign"], "manifests/cluster-network-02-config.yml")
	if !strings.Contains(manifest, "10.132.0.0/14") {
		t.Errorf("the cluster is told\n%s", manifest)
	}
	// An edit that is not possible is refused with the place of the edit.
	rewrite(t, dir, "cluster-manifests/agent-cluster-install.yaml", "controlPlaneAgents: 5", "controlPlaneAgents: 2")
	_, err = makeImage(t, dir, imageDeps(t0))
	if found := (*report.Error)(nil); !errors.As(err, &found) || !strings.Contains(err.Error(), "cluster-manifests") {
		t.Errorf("error %v", err)
	}
	// Undone, the cluster is as before the edits.
	rewrite(t, dir, "cluster-manifests/agent-cluster-install.yaml", "controlPlaneAgents: 2", "controlPlaneAgents: 3")
	if image, err = makeImage(t, dir, imageDeps(t0)); err != nil {
		t.Fatal(err)
	}
	if c := agentConfigIn(t, liveFiles(t, image)); c.Masters != 3 {
		t.Errorf("%d masters", c.Masters)
	}
}

// onBootstrapHostOf is a file below /opt/openshift of an Ignition config.
func onBootstrapHostOf(t *testing.T, config, name string) string {
	t.Helper()
	c, _, err := v3_2.Parse([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Storage.Files {
		if f.Path == "/opt/openshift/"+name {
			u, err := dataurl.DecodeString(*f.Contents.Source)
			if err != nil {
				t.Fatal(err)
			}
			return string(u.Data)
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

// Manifests alone define a cluster, and may be changed from image to image.
func TestGivenAgentManifests(t *testing.T) {
	from := agentDir(t, agentMetal, agentHosts)
	i := open(t, from, imageDeps(t0))
	if err := i.ClusterManifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, sub := range []string{"cluster-manifests", "mirror"} {
		if err := os.CopyFS(filepath.Join(dir, sub), os.DirFS(filepath.Join(from, sub))); err != nil {
			t.Fatal(err)
		}
	}
	d := imageDeps(t0)
	d.ReleaseImage = ""
	image, err := makeImage(t, dir, d)
	if err != nil {
		t.Fatal(err)
	}
	// The first network configuration is a worker's, which nothing says here.
	if image.ReleaseImage != testImage || image.Rendezvous.String() != "198.18.0.30" {
		t.Errorf("release %s, rendezvous %s", image.ReleaseImage, image.Rendezvous)
	}
	c := agentConfigIn(t, liveFiles(t, image))
	if c.ClusterName != "demo" || c.Masters != 3 || c.Workers != 2 || c.APIVIPs[0].String() != "198.18.0.10" {
		t.Errorf("config %+v", c)
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("install-config.yaml: %v", err)
	}
	before := tree(t, dir)
	rewrite(t, dir, "cluster-manifests/agent-cluster-install.yaml", "workerAgents: 2", "workerAgents: 3")
	rewrite(t, dir, "cluster-manifests/nmstateconfig.yaml", "ip: 198.18.0.30", "ip: 198.18.0.31")
	if image, err = makeImage(t, dir, d); err != nil {
		t.Fatal(err)
	}
	if c := agentConfigIn(t, liveFiles(t, image)); c.Workers != 3 || c.Rendezvous.String() != "198.18.0.31" {
		t.Errorf("config %+v", c)
	}
	if !bytes.Equal(before["auth/kubeconfig"], tree(t, dir)["auth/kubeconfig"]) {
		t.Error("the keys are others")
	}
	config, err := assets.StoredConfig(dir, nil, platforms.All().Assets())
	if err != nil || config.Workers() != 3 {
		t.Errorf("stored config: %v", err)
	}
	write(t, filepath.Join(dir, "agent-config.yaml"), "apiVersion: v1beta1\nrendezvousIP: 198.18.0.20\n")
	if image, err = makeImage(t, dir, d); err != nil || image.Rendezvous.String() != "198.18.0.20" {
		t.Errorf("rendezvous %s, %v", image.Rendezvous, err)
	}
}

func TestAgentImageRefuses(t *testing.T) {
	tests := []struct {
		name, config, hosts, says string
	}{
		{"no install-config", "", agentHosts, "install-config.yaml"},
		{"no address", agentMetal, "", "no rendezvousIP"},
		{"only a worker has an address", agentMetal, agentHosts[:strings.Index(agentHosts, "- hostname: master-0")],
			"no rendezvousIP"},
		{"virtual address", agentMetal, "apiVersion: v1beta1\nrendezvousIP: 198.18.0.10\n", "is a virtual address"},
		{"workers of a single node", strings.Replace(agentSingle, "replicas: 0", "replicas: 1", 1),
			"apiVersion: v1beta1\nrendezvousIP: 198.18.0.20\n", "must be 0 with one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := agentDir(t, tt.config, tt.hosts)
			if tt.config == "" { // and none in the state
				if err := os.Remove(filepath.Join(dir, asset.StateName)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := makeImage(t, dir, imageDeps(t0))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q", err, tt.says)
			}
			if strings.Contains(tt.says, "rendezvousIP") && exit.Next(err) == "" {
				t.Error("no next step")
			}
			if _, err := assets.StoredWatcher(dir, nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("access of an image that was not made: %v", err)
			}
		})
	}
}
