//go:build integration

package nmstate_test

import (
	"bytes"
	"os/exec"
	"slices"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
)

// forgotten are settings that NetworkManager does not write, because they are its defaults.
var forgotten = []string{"bridge.stp=true"}

// TestNetworkManager has NetworkManager read and write every keyfile. It refuses profiles that
// contradict themselves, and forgets settings that it does not know. The daemon does not run.
func TestNetworkManager(t *testing.T) {
	for _, c := range accepted {
		t.Run(c.name, func(t *testing.T) { checkProfiles(t, c.text, nil, nil) })
	}
	cards := map[string]string{"52:54:00:aa:bb:01": "enp129s0f0np0", "52:54:00:aa:bb:02": "eno1"}
	t.Run("renamed bond", func(t *testing.T) { checkProfiles(t, bonded, nics, cards) })
	t.Run("renamed vlans", func(t *testing.T) { checkProfiles(t, vlans, nics, cards) })
}

// checkProfiles translates a configuration, fits it to a host, and compares what NetworkManager
// writes.
func checkProfiles(t *testing.T, text string, nics []keyfile.NIC, cards map[string]string) {
	t.Helper()
	translated, _ := nmstate.Read("host.yaml", []byte(text))
	onHost, err := keyfile.Rename(translated, nics, cards)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range onHost.Files {
		out, err := nmcli(f.Data)
		if err != nil {
			t.Fatalf("%s: %v: %s\n%s", f.Name, err, out, f.Data)
		}
		ours, err := keyfile.Parse(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := keyfile.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ours {
			for _, v := range s.Settings {
				got := theirs.Get(s.Name, v.Key)
				if got != v.Value && !slices.Contains(forgotten, s.Name+"."+v.Key+"="+v.Value) {
					t.Errorf("%s: [%s] %s=%q became %q", f.Name, s.Name, v.Key, v.Value, got)
				}
			}
		}
	}
}

// TestNetworkManagerRefuses shows that the test above can fail.
func TestNetworkManagerRefuses(t *testing.T) {
	files, _ := nmstate.Read("host.yaml", []byte(`interfaces: [{name: eth0, ipv4: {enabled: true, dhcp: true}}]`))
	wrong := bytes.Replace(files[0].Data, []byte("method=auto"), []byte("method=manual"), 1)
	if out, err := nmcli(wrong); err == nil {
		t.Errorf("a profile with static addresses, and no address, was accepted:\n%s", out)
	}
	unknown := bytes.Replace(files[0].Data, []byte("method=auto"), []byte("method=auto\nmethods=auto"), 1)
	if out, err := nmcli(unknown); err != nil || bytes.Contains(out, []byte("methods")) {
		t.Errorf("an unknown key was kept: %v\n%s", err, out)
	}
}

func nmcli(profile []byte) ([]byte, error) {
	cmd := exec.Command("nmcli", "--offline", "connection", "modify")
	cmd.Stdin = bytes.NewReader(profile)
	return cmd.CombinedOutput()
}
