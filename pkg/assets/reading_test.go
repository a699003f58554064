package assets_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/types"
)

const hostsConfig = `apiVersion: v1
metadata: {name: demo}
baseDomain: okd.test
networking: {machineNetwork: [{cidr: 198.18.0.0/24}]}
controlPlane: {name: master, replicas: 1}
compute: [{name: worker, replicas: 0}]
platform:
  baremetal:
    provisioningNetwork: Disabled
    hosts:
    - name: host-0
      bootMACAddress: 52:54:00:00:00:01
      bmc: {address: "redfish-virtualmedia://198.18.0.50/redfish/v1/Systems/1", username: u, password: p}
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNz"}}}'
`

func configDir(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What DNS says is remembered, for the runs in which it says nothing.
func TestVIPsFromDNS(t *testing.T) {
	ctx := context.Background()
	dir := configDir(t, hostsConfig)
	records := map[string][]netip.Addr{
		"api.demo.okd.test":       {netip.MustParseAddr("198.18.0.10")},
		"test.apps.demo.okd.test": {netip.MustParseAddr("198.18.0.11")},
	}
	d := deps()
	d.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) { return records[host], nil }
	check := func(d assets.Deps, api, ingress string) {
		t.Helper()
		i, err := assets.Open(dir, d)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = i.Close() }()
		// Something that is written, so that the run is remembered.
		if _, err := i.Run(ctx, []asset.Ref{assets.MetadataFile}); err != nil {
			t.Fatal(err)
		}
		c, err := i.Config(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if c.APIVIPs()[0].String() != api || c.IngressVIPs()[0].String() != ingress {
			t.Errorf("VIPs %v and %v, want %s and %s", c.APIVIPs(), c.IngressVIPs(), api, ingress)
		}
	}
	check(d, "198.18.0.10", "198.18.0.11")

	silent := deps()
	silent.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no name server") }
	check(silent, "198.18.0.10", "198.18.0.11")

	records["api.demo.okd.test"] = []netip.Addr{netip.MustParseAddr("198.18.0.20")}
	check(d, "198.18.0.20", "198.18.0.11")
}

func TestVIPsThatDNSDoesNotHave(t *testing.T) {
	d := deps()
	d.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
	i := open(t, configDir(t, hostsConfig), d)
	_, err := i.Config(context.Background())
	if err == nil || strings.Count(err.Error(), "Required value") != 2 ||
		!strings.Contains(err.Error(), "platform.baremetal.apiVIPs: Required value") {
		t.Errorf("error %v", err)
	}
}

func TestAllowUnknown(t *testing.T) {
	dir := configDir(t, hostsConfig+"novelty: 1\n")
	d := deps()
	d.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("198.18.0.10")}, nil
	}
	i := open(t, dir, d)
	if _, err := i.Config(context.Background()); err == nil ||
		!strings.Contains(err.Error(), `novelty: Invalid value: "novelty": unknown key`) {
		t.Errorf("error %v", err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	d.AllowUnknown = true
	d.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if strings.HasPrefix(host, "api.") {
			return []netip.Addr{netip.MustParseAddr("198.18.0.10")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("198.18.0.11")}, nil
	}
	d.Events = event.SinkFunc(func(e event.Event) { warnings = append(warnings, e.Message) })
	i = open(t, dir, d)
	if _, err := i.Config(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(warnings, "\n"); !strings.Contains(got, "install-config.yaml:15:1: novelty") {
		t.Errorf("warnings: %s", got)
	}
}

func TestHostFIPS(t *testing.T) {
	text := hostsConfig + "fips: true\n"
	text = strings.Replace(text, "    provisioningNetwork",
		"    apiVIPs: [198.18.0.10]\n    ingressVIPs: [198.18.0.11]\n    provisioningNetwork", 1)
	d := deps()
	d.HostFIPS = types.FIPSOff
	i := open(t, configDir(t, text), d)
	if _, err := i.Config(context.Background()); err == nil || !strings.Contains(err.Error(), "fips: Forbidden") {
		t.Errorf("error %v", err)
	}
	d.SkipHostCrypt = true
	i = open(t, configDir(t, text), d)
	if c, err := i.Config(context.Background()); err != nil ||
		c.Metadata.Annotations["install.openshift.io/hostcrypt-check-bypassed"] != "true" {
		t.Errorf("config %v, error %v", c, err)
	}
}
