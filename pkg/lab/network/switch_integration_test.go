//go:build integration

package network

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/netns"
)

// Neighbours remember the address of the lab's services: it must outlive the
// machines.
func TestIntegrationBridgeKeepsItsAddress(t *testing.T) {
	lab := Lab{Name: fmt.Sprintf("net%d", os.Getpid())}
	if err := lab.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lab.Down(context.WithoutCancel(t.Context())) }()
	before := hardwareAddress(t, lab)
	s := Switch{Namespace: File(lab.Namespace())}
	for n := range 8 {
		c := Cable{
			ID: fmt.Sprintf("m%d", n), Namespace: filepath.Join(t.TempDir(), "ns"),
			Interface: "ens3", MAC: fmt.Sprintf("52:54:00:00:00:%02x", n),
		}
		if err := netns.Create(c.Namespace); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = netns.Delete(c.Namespace) }()
		if err := s.Attach(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if now := hardwareAddress(t, lab); now != before {
			t.Fatalf("with %d machines the bridge's address is %s, before it was %s", n+1, now, before)
		}
	}
}

func hardwareAddress(t *testing.T, lab Lab) string {
	t.Helper()
	var out string
	err := netns.Do(File(lab.Namespace()), func() error {
		br, err := net.InterfaceByName(Bridge)
		if err == nil {
			out = br.HardwareAddr.String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
