// Package networktest runs the lab's DHCP and DNS server in tests.
package networktest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// StartDHCP runs the lab's DHCP and DNS server in a namespace until the test
// ends, with settings of an operator; its files are in dir.
func StartDHCP(t *testing.T, dir, ns string, settings ...string) {
	t.Helper()
	conf, err := network.Dnsmasq(dir, network.Clusters())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, network.DropInDir), 0o755); err != nil {
		t.Fatal(err)
	}
	own := strings.Join(settings, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, network.DropInDir, "test.conf"), []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "dnsmasq.conf")
	if err := os.WriteFile(path, conf, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := netns.Command(context.Background(), ns, "dnsmasq", "--conf-file="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}
