package assets_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
)

const bmcPassword = "Geheim-4711-Kontroller"

// started is an install-config with three masters, one without a role, and a spare host.
func started() string {
	text := agentHead + "compute: [{name: worker, replicas: 0}]\nplatform:\n  baremetal:\n    apiVIPs: [198.18.0.10]\n" +
		"    ingressVIPs: [198.18.0.11]\n    provisioningNetwork: Disabled\n    hosts:\n"
	for i, role := range []string{"", "master", "master", "worker"} {
		text += fmt.Sprintf(`    - name: host-%d
      bootMACAddress: 52:54:00:00:00:0%d
      role: %s
      bmc: {address: "redfish-virtualmedia://192.0.2.%d/redfish/v1/Systems/1", username: root, password: %s}
`, i, i, role, i, bmcPassword)
	}
	return text + `      networkConfig:
        interfaces:
        - name: eno1
          mac-address: 52:54:00:00:00:03
          ipv4: {enabled: true, address: [{ip: 198.18.0.23, prefix-length: 24}]}
`
}

// startedImage runs what create cluster does with the assets.
func startedImage(t *testing.T, dir string, d assets.Deps, mark bool) (assets.AgentImage, error) {
	t.Helper()
	i := open(t, dir, d)
	defer i.Close()
	i.RegisterHosts(map[string]string{"host-0": "master", "host-1": "master", "host-2": "master"})
	if _, err := i.PlanAgentImage(t.Context()); err != nil {
		return assets.AgentImage{}, err
	}
	if _, err := i.Cluster(t.Context()); err != nil {
		return assets.AgentImage{}, err
	}
	image, err := i.AgentImage(t.Context())
	if err == nil && mark {
		err = i.MarkStarted()
	}
	return image, err
}

var inBase64 = regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`)

// holds reports whether a text has a password, also within what is encoded or compressed in it.
func holds(t *testing.T, text []byte, depth int) bool {
	t.Helper()
	if bytes.Contains(text, []byte(bmcPassword)) {
		return true
	}
	if depth == 0 {
		return false
	}
	for _, found := range inBase64.FindAll(text, -1) {
		raw, err := base64.StdEncoding.DecodeString(string(found))
		if err != nil {
			continue
		}
		if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
			if raw, err = io.ReadAll(z); err != nil {
				continue
			}
		}
		if holds(t, raw, depth-1) {
			return true
		}
	}
	return false
}

// The passwords of BMCs are in no state that is not encrypted, and a run gets them where they are.
func TestPasswordsAreNotStored(t *testing.T) {
	dir := agentDir(t, started(), "apiVersion: v1beta1\nrendezvousIP: 198.18.0.21\n")
	image, err := startedImage(t, dir, imageDeps(t0), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(image.Live.Agent.Hosts) != 3 || image.Live.Agent.Hosts[0].Role != "master" || len(image.Plan.Hostnames) != 3 {
		t.Errorf("hosts %+v", image.Live.Agent.Hosts)
	}
	path := filepath.Join(dir, asset.StateName)
	look := func(when string) {
		t.Helper()
		state, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if holds(t, state, 6) {
			t.Errorf("%s: a password is in the state", when)
		}
	}
	look("at first")
	if !holds(t, rendered(t, image), 6) {
		t.Error("the search finds no passwords in the image, where the cluster's Secrets have them")
	}
	again, err := startedImage(t, dir, imageDeps(t0), true)
	if err != nil || !bytes.Equal(rendered(t, again), rendered(t, image)) {
		t.Errorf("a run that goes on makes another image: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := startedImage(t, dir, imageDeps(t0), true); err == nil || !strings.Contains(err.Error(), "192.0.2.0") {
		t.Errorf("without install-config.yaml: %v", err)
	}
	stored, err := assets.StoredConfig(dir, nil, platforms.All().Assets())
	if err != nil || !config.Of(stored).Hosts[0].BMC.Password.IsZero() {
		t.Errorf("stored %v", err)
	}
	d := imageDeps(t0)
	d.Password = func(_, user string) (secret.String, error) { return secret.New(bmcPassword), nil }
	again, err = startedImage(t, dir, d, true)
	if err != nil || !bytes.Equal(rendered(t, again), rendered(t, image)) {
		t.Errorf("with passwords that were asked for: another image: %v", err)
	}
	look("at last")
}
