package assets_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/platforms"
)

// withHosts is the install-config of a bare-metal cluster with that many hosts,
// each with a network configuration.
func withHosts(tb testing.TB, hosts int) []byte {
	tb.Helper()
	base, err := os.ReadFile("testdata/inputs/baremetal.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	head, _, found := strings.Cut(string(base), "    hosts:\n")
	if !found {
		tb.Fatal("no hosts in the test's install-config")
	}
	var out strings.Builder
	out.WriteString(strings.Replace(head, "replicas: 2", fmt.Sprintf("replicas: %d", hosts-3), 1) + "    hosts:\n")
	for i := range hosts {
		fmt.Fprintf(&out, `    - name: rack-%d
      bootMACAddress: 52:54:00:00:%02x:%02x
      bmc: {address: "redfish-virtualmedia+https://198.18.%d.%d/redfish/v1/Systems/1", username: admin, password: word}
      networkConfig:
        interfaces:
        - {name: eno1, type: ethernet, state: up,
           ipv4: {enabled: true, address: [{ip: 198.19.%d.%d, prefix-length: 24}]}}
`, i, i>>8, i&255, 4+i>>8, i&255, i>>8, i&255)
	}
	return []byte(out.String())
}

// BenchmarkRender is the rendering alone: install-config in memory, manifests
// out.
func BenchmarkRender(b *testing.B) {
	for _, hosts := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			config, findings := platforms.All().Load(configFile, withHosts(b, hosts))
			if err := findings.Err(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if files := renderConfig(b, config); len(files) < 3*hosts {
					b.Fatal(len(files))
				}
			}
		})
	}
}

// BenchmarkManifests is all of `create manifests` but the start of the process:
// the first run in a directory, with new keys, and the next.
func BenchmarkManifests(b *testing.B) {
	for _, hosts := range []int{10, 100, 1000} {
		config := withHosts(b, hosts)
		run := func(b *testing.B, dir string) {
			i, err := assets.Open(dir, assets.Deps{Platforms: platforms.All().Assets(), ReleaseImage: testImage})
			if err != nil {
				b.Fatal(err)
			}
			if err := errors.Join(i.Manifests(context.Background()), i.Close()); err != nil {
				b.Fatal(err)
			}
		}
		newDir := func(b *testing.B) string {
			dir := b.TempDir()
			if err := os.WriteFile(filepath.Join(dir, configFile), config, 0o600); err != nil {
				b.Fatal(err)
			}
			return dir
		}
		b.Run(fmt.Sprintf("first/hosts=%d", hosts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run(b, newDir(b))
			}
		})
		b.Run(fmt.Sprintf("again/hosts=%d", hosts), func(b *testing.B) {
			dir := newDir(b)
			run(b, dir)
			b.ReportAllocs()
			for b.Loop() {
				run(b, dir)
			}
		})
		b.Run(fmt.Sprintf("withKeys/hosts=%d", hosts), func(b *testing.B) {
			keys := stateOf(b, config, assets.RootCA, assets.MachineConfigServer, assets.Kubeadmin)
			for b.Loop() {
				dir := newDir(b)
				if err := os.WriteFile(filepath.Join(dir, asset.StateName), keys, 0o600); err != nil {
					b.Fatal(err)
				}
				run(b, dir)
			}
		})
	}
}

// stateOf is a state in which the assets are there.
func stateOf(tb testing.TB, config []byte, need ...asset.Ref) []byte {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configFile), config, 0o600); err != nil {
		tb.Fatal(err)
	}
	i, err := assets.Open(dir, assets.Deps{Platforms: platforms.All().Assets(), ReleaseImage: testImage})
	if err != nil {
		tb.Fatal(err)
	}
	_, err = i.Store().Run(context.Background(), nil, need)
	if err = errors.Join(err, i.Close()); err != nil {
		tb.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(dir, asset.StateName))
	if err != nil {
		tb.Fatal(err)
	}
	return state
}
