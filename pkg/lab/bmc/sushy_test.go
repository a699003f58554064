package bmc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// withPassword ends the names of controllers that get the password with each request.
const withPassword = " with a password"

// TestSushy installs a host by OpenStack's library, with every vendor and with both
// kinds of login, and does everything else that the controllers offer. The library is a
// Debian package, which hack/packages.sh installs.
func TestSushy(t *testing.T) {
	type seen struct {
		Error, UUID, Manufacturer, Firmware string
		Memory                              int
		MACs, Resets                        []string
		Slots                               int
	}
	var input []map[string]any
	servers := map[string]*bmctest.Server{}
	images := bmctest.Images(t, "agent")
	for _, basic := range []bool{false, true} {
		for _, profile := range vendor.Names() {
			s := bmctest.Serve(t, profile, fastConfig)
			s.Host.Install()
			name, ca := profile, filepath.Join(t.TempDir(), "ca.pem")
			if basic {
				name += withPassword
			}
			if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
				t.Fatal(err)
			}
			servers[name] = s
			input = append(input, map[string]any{
				"name": name, "url": s.URL, "ca": ca, "user": bmctest.User, "password": bmctest.Password, "basic": basic,
				"image": images.URL + "/agent.iso", "import": len(s.Profile().Boot.Media) == 0,
			})
		}
	}
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/install_host.py")
	var stderr bytes.Buffer
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"} // no proxies or authorities of the machine
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: run hack/packages.sh if there is no sushy\n%s", err, stderr.Bytes())
	}
	results := map[string]seen{}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, s := range servers {
		got, f, p := results[name], s.Host.Facts(), s.Profile()
		started := s.Host.Started()
		switch {
		case got.Error != "":
			t.Errorf("%s: %s", name, got.Error)
		case got.UUID != f.UUID || got.Manufacturer != p.Manufacturer || got.Firmware != p.Firmware || got.Memory != 16 ||
			!slices.Equal(got.MACs, f.MACs):
			t.Errorf("%s: %+v", name, got)
		case len(started) < 3 || !slices.Equal(started[:3], []string{"agent", "disk", "disk"}) ||
			slices.Contains(started[3:], "agent"):
			t.Errorf("%s: it started %v", name, started)
		case strings.HasSuffix(name, withPassword):
		case got.Slots == 0 || !slices.Equal(got.Resets, slices.Sorted(slices.Values(p.Power.Resets))):
			t.Errorf("%s: media by %d slots, resets %v", name, got.Slots, got.Resets)
		}
	}
	if t.Failed() {
		t.Logf("%s", stderr.Bytes())
	}
}
