package assets_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
)

// dir is an asset directory with the case's install-config and keys.
func (c testCase) dir(t *testing.T) string {
	t.Helper()
	dir := warmDir(t)
	if err := os.WriteFile(filepath.Join(dir, configFile), c.source(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSingleNode(t *testing.T) {
	dir := testCase{none, "in-place"}.dir(t)
	i := open(t, dir, deps())
	if err := i.SingleNode(context.Background()); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	got := slices.Sorted(maps.Keys(files))
	want := []string{asset.StateName, ".openshift_install.lock", "auth/kubeadmin-password", "auth/kubeconfig",
		"bootstrap-in-place-for-live-iso.ign", "install-config.yaml", "metadata.json", "worker.ign"}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	host := onBootstrapHost(t, files[singleNodeFile])
	if host["bootstrap-in-place/installation-disk"] != "/dev/disk/by-id/virtio-root\n" ||
		!strings.Contains(host["stages.json"], `"master-ignition"`) {
		t.Error("the config is not that of a node that installs itself")
	}
	if _, err := i.Cluster(context.Background()); !errors.Is(err, assets.ErrInPlace) {
		t.Errorf("create cluster: %v", err)
	}
	// With a bootstrap host of the user's it is an ordinary cluster.
	if err := i.IgnitionConfigs(context.Background()); err != nil {
		t.Fatal(err)
	}
	if host := onBootstrapHost(t, tree(t, dir)[bootstrapFile]); host["bootstrap-in-place/installation-disk"] != "" {
		t.Error("bootstrap.ign writes a disk")
	}
}

func TestSingleNodeRefuses(t *testing.T) {
	dir := testCase{baremetal, regular}.dir(t)
	err := open(t, dir, deps()).SingleNode(context.Background())
	if err == nil {
		t.Fatal("accepted")
	}
	for _, line := range []string{
		"controlPlane.replicas: Invalid value: a node that installs itself is the only one; set it to 1",
		"compute[0].replicas: Invalid value: a node that installs itself is the only one; set it to 0",
		"bootstrapInPlace.installationDisk: Required value: name the disk",
		"platform: Invalid value: a node can install itself on platforms none and external, not on baremetal",
	} {
		if !regexp.MustCompile(`(?m)^install-config\.yaml(:\d+:\d+)?: ` + regexp.QuoteMeta(line)).MatchString(err.Error()) {
			t.Errorf("does not say %q with its place:\n%v", line, err)
		}
	}
	var findings *report.Error
	if errors.As(err, &findings) {
		t.Error("the exit code would be that of a bad install-config")
	}
}

func TestSingleNodeNeedsADisk(t *testing.T) {
	dir := testCase{none, "single-node"}.dir(t)
	err := open(t, dir, deps()).SingleNode(context.Background())
	if err == nil || strings.Count(err.Error(), "\n") != 0 ||
		!strings.Contains(err.Error(), "bootstrapInPlace.installationDisk: Required value") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, singleNodeFile)); err == nil {
		t.Error("wrote the file all the same")
	}
}

// Ignition itself must accept the bootstrap's config of every kind of cluster.
func TestBootstrapIgnitionOfEveryCase(t *testing.T) {
	keys := pki.SSHKeys{User: pki.SSHKey{AuthorizedKey: "ssh-ed25519 AAAA"}}
	cases := append(allCases(), testCase{none, "in-place"})
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			config, files := c.render(t)
			raw, err := bootstrap.Ignition(bootstrap.Inputs{
				Config: config, Platform: assets.NewInput(config, platforms.All().Assets()).On.Cluster(config).Name(),
				InfraID: testInfraID, ReleaseImage: testImage, Files: files, HostKeys: keys,
				InPlace: config.BootstrapInPlace != nil,
			})
			if err != nil {
				t.Fatal(err)
			}
			parsed, rep, err := v3_2.Parse(raw)
			if err != nil || len(rep.Entries) > 0 {
				t.Fatalf("Ignition: %v\n%s", err, rep.String())
			}
			paths := map[string]bool{}
			for _, f := range parsed.Storage.Files {
				paths[f.Path] = true
			}
			mirrors := len(config.ImageDigestSources) + len(config.ImageContentSources)
			onPrem := config.OnPrem()
			for path, want := range map[string]bool{
				"/etc/NetworkManager/dispatcher.d/30-local-dns-prepender": onPrem,
				"/etc/hostname":                                  onPrem,
				"/etc/profile.d/proxy.sh":                        config.Proxy != nil,
				"/etc/pki/ca-trust/source/anchors/ca.crt":        config.AdditionalTrustBundle != "",
				"/etc/containers/registries.conf":                mirrors > 0,
				"/etc/ignition-machine-config-encapsulated.json": config.FIPS,
				"/usr/local/bin/install-to-disk.sh":              config.BootstrapInPlace != nil,
			} {
				if paths[path] != want {
					t.Errorf("%s is there: %v, want %v", path, paths[path], want)
				}
			}
		})
	}
}

var verifyCA = regexp.MustCompile(`"bmcVerifyCA":"-----BEGIN CERTIFICATE-----[^"]+"`)

// metadataHost is what metadata.json has of a host: everything but the password.
func metadataHost(name string, n int, more string) string {
	return fmt.Sprintf(`{"name":%q,"bmcAddress":"redfish-virtualmedia+https://198.18.1.%d/redfish/v1/Systems/1",`+
		`"username":"admin"%s}`, name, n, more)
}

func TestMetadata(t *testing.T) {
	tests := []struct {
		testCase
		want string
	}{
		{testCase{none, regular}, `{"featureSet":"","customFeatureSet":null}`},
		{
			testCase{external, "hardened"},
			`{"featureSet":"CustomNoUpgrade","customFeatureSet":{"enabled":["EtcdBackendQuota"],"disabled":["NewOLM"]}}`,
		},
		{
			testCase{baremetal, "provisioning"},
			`{"baremetal":{"libvirtURI":"qemu:///system","bootstrapProvisioningIP":"172.23.0.2",` +
				`"provisioningHostIP":"172.23.0.3","hosts":[` + strings.Join([]string{
				metadataHost("spare", 5, ""), metadataHost("rack-0", 0, ""),
				metadataHost("rack-1", 1, `,"disableCertificateVerification":true`),
				metadataHost("rack-2", 2, ""), metadataHost("rack-3", 3, ""),
			}, ",") + `],"bmcVerifyCA":"PEM"},"featureSet":"","customFeatureSet":null}`,
		},
		{
			testCase{ovirt, "tech-preview"},
			`{"ovirt":{"cluster_id":"6b2b1c7e-0000-4000-8000-000000000001","remove_template":true},` +
				`"featureSet":"TechPreviewNoUpgrade","customFeatureSet":null}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.String(), func(t *testing.T) {
			r, err := open(t, tt.dir(t), deps()).Run(context.Background(), nil, assets.MetadataFile)
			if err != nil {
				t.Fatal(err)
			}
			raw := asset.Of(r, assets.MetadataFile)[0].Data
			var m assets.Metadata
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Fatal(err)
			}
			head := `{"clusterName":"demo","clusterID":"` + m.ClusterID + `","infraID":"` + m.InfraID + `",`
			// What the BMCs are trusted with is as long as a page.
			if got := verifyCA.ReplaceAllString(string(raw), `"bmcVerifyCA":"PEM"`); got != head+tt.want[1:] {
				t.Errorf("got\n%s, want\n%s%s", got, head, tt.want[1:])
			}
		})
	}
	// A file of the reference must be readable.
	var m assets.Metadata
	const reference = `{"clusterName":"x","clusterID":"y","infraID":"x-abcde",` +
		`"ovirt":{"cluster_id":"z","remove_template":false},"featureSet":"","customFeatureSet":{"enabled":["A"]}}`
	err := json.Unmarshal([]byte(reference), &m)
	if err != nil || m.Platform != ovirt || string(m.PlatformData) != `{"cluster_id":"z","remove_template":false}` ||
		m.CustomFeatureSet.Enabled[0] != configv1.FeatureGateName("A") {
		t.Errorf("%+v: %v", m, err)
	}
}

func TestInfraID(t *testing.T) {
	for name, want := range map[string]string{
		"demo":                    "demo",
		"a-name-of-twenty-one-c":  "a-name-of-twenty-one",
		"dotted.name":             "dotted-name",
		"a.very.long.name.here.x": "a-very-long-name-here",
		"twenty-characters-xx-y":  "twenty-characters-xx",
	} {
		got, err := assets.NewInfraID(name)
		if err != nil || !regexp.MustCompile("^"+want+"-[a-z0-9]{5}$").MatchString(got) {
			t.Errorf("%s gives %s (%v), want %s-*****", name, got, err, want)
		}
	}
}

// Settings that come with the environment stay for commands without it.
func TestSettingsStay(t *testing.T) {
	dir := testCase{none, regular}.dir(t)
	d := deps()
	d.Profile, d.NodeIP, d.Invoker = "single-node-developer", assets.LocalhostIPs[0], "robot"
	for range 2 {
		i := open(t, dir, d)
		if err := i.IgnitionConfigs(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
		text := string(tree(t, dir)[bootstrapFile])
		host := onBootstrapHost(t, []byte(text))
		if !strings.Contains(host["stages.json"], "--cluster-profile=single-node-developer") ||
			!strings.Contains(text, "/etc/kubernetes/kubelet.env") ||
			!strings.Contains(host["openshift/openshift-install-manifests.yaml"], "invoker: robot") {
			t.Error("a setting is missing")
		}
		plain := deps()
		d.Profile, d.NodeIP, d.Invoker = plain.Profile, plain.NodeIP, ""
	}
}
