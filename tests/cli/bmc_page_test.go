package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/secret"
)

// TestBMCPage follows the page with a BMC of the lab: the host starts from the image, and nothing is left in it.
func TestBMCPage(t *testing.T) {
	dir := t.TempDir()
	s := bmctest.Serve(t, "ilo6", func(c *bmc.Config) {
		c.User, c.Password, c.Clock = "installer", secret.New("secret"), bmctest.Fast() // as in bmc.curl of the page
	})
	if err := os.WriteFile(filepath.Join(dir, "bmc-ca.pem"), s.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	images := bmctest.Images(t, "agent")
	ran := follow(t, "bmc-compatibility.md", dir, "BMC="+s.URL, "SYSTEM=/redfish/v1/Systems/1",
		"SLOT=/redfish/v1/Systems/1/VirtualMedia/2", "IMAGE="+images.URL+"/agent.iso", "NO_PROXY=127.0.0.1")
	if ran != 6 {
		t.Errorf("the page has %d blocks to run", ran)
	}
	if got := s.Host.Started(); !slices.Equal(got, []string{"agent"}) || s.Host.Medium().Inserted {
		t.Errorf("started from %q, medium %+v", got, s.Host.Medium())
	}
}
