package wizard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
)

func TestNone(t *testing.T) {
	w := newWorld(t)
	result, s, err := w.run(t, key, line{"Platform", "none"},
		line{"Base Domain", "", "Example_Org", "example.org"},
		line{"Cluster Name", "-demo", "demo"},
		line{"Pull Secret", "", "hello", `{"auths":{}}`, pull})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "none.yaml", result.InstallConfig)
	if len(s.refused) != 6 || !strings.HasPrefix(s.refused[0], "Base Domain: Required value") || !strings.HasPrefix(s.refused[2], `Cluster Name: Invalid value: "-demo": `) {
		t.Errorf("refused %q", s.refused)
	}
	if result.Login != nil {
		t.Error("a login of an engine that nobody asked for")
	}
	if !slices.Contains(s.hidden, pull) {
		t.Error("the pull secret is not kept out of the log")
	}
	keys := s.offered["SSH Public Key"]
	if len(keys) != 2 || !strings.HasSuffix(keys[0], "id_ed25519.pub") || keys[1] != noKey {
		t.Errorf("keys to choose from: %q", keys)
	}
	if !strings.Contains(strings.Join(s.said, "\n"), "other.pub is no public key") {
		t.Errorf("said %q", s.said)
	}
}

func TestWithoutKeys(t *testing.T) {
	w := newWorld(t)
	if err := os.RemoveAll(w.home + "/.ssh"); err != nil {
		t.Fatal(err)
	}
	result, _, err := w.run(t, lines(line{"Platform", "external"}, line{"Platform Name", "oci"}, ends)...)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "external.yaml", result.InstallConfig)

	w = newWorld(t)
	result, _, err = w.run(t, lines(line{"SSH Public Key", noKey}, line{"Platform", "none"}, ends)...)
	if err != nil || strings.Contains(string(result.InstallConfig), "sshKey") {
		t.Errorf("%v\n%s", err, result.InstallConfig)
	}
}

func host(n int, role, more string) []line {
	return lines(
		line{"Host Name", fmt.Sprintf("host-%d", n)},
		line{"BMC Address", fmt.Sprintf("redfish-virtualmedia://192.0.2.%d/redfish/v1/Systems/1", n)},
		line{"BMC Username", "admin"}, line{"BMC Password", fmt.Sprintf("bmc-secret-%d", n)},
		line{"Boot MAC Address", fmt.Sprintf("52:54:00:00:00:%02x", n)},
		line{"Role", role}, line{"Another host?", more})
}

func TestBareMetal(t *testing.T) {
	result, s, err := newWorld(t).run(t, lines(key, line{"Platform", "baremetal"}, line{"Provisioning Network", ""},
		line{"Machine Network", "192.0.2.0", "192.0.2.7/24", "10.128.0.0/24", "192.0.2.0/24"},
		line{"API Virtual IP Address", "x", "198.51.100.5", "192.0.2.5"},
		line{"Ingress Virtual IP Address", "192.0.2.5", "192.0.2.6"},
		host(11, "", ""), host(12, "", ""), host(13, "", "y"), host(14, "", ""), ends)...)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "baremetal.yaml", result.InstallConfig)
	if len(s.refused) != 6 {
		t.Errorf("refused %q", s.refused)
	}
	if !slices.Contains(s.hidden, "bmc-secret-13") {
		t.Errorf("hidden %q", s.hidden)
	}
}

// TestBareMetalUntilEnough: two masters are no control plane.
func TestBareMetalUntilEnough(t *testing.T) {
	_, s, err := newWorld(t).run(t, lines(key, line{"Platform", "baremetal"}, line{"Provisioning Network", ""},
		line{"Machine Network", "192.0.2.0/24"}, line{"API Virtual IP Address", "192.0.2.5"}, line{"Ingress Virtual IP Address", "192.0.2.6"},
		host(11, "master", "y"), host(12, "master", "n"), host(13, "master", "n"), ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(s.said, "\n"), "These hosts are not enough") {
		t.Errorf("said %q", s.said)
	}
}

// TestInterruptedAnywhere ends the questions at each of them.
func TestInterruptedAnywhere(t *testing.T) {
	all := lines(key, line{"Platform", "baremetal"}, line{"Provisioning Network", ""},
		line{"Machine Network", "192.0.2.0/24"}, line{"API Virtual IP Address", "192.0.2.5"}, line{"Ingress Virtual IP Address", "192.0.2.6"},
		host(11, "master", "n"), ends)
	for i := range all {
		stop := slices.Clone(all[:i+1])
		stop[i] = line{all[i][0], "!"}
		if _, _, err := newWorld(t).run(t, stop...); !errors.Is(err, ErrInterrupted) {
			t.Errorf("at %s: %v", all[i][0], err)
		}
	}
}

func TestNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, pair := range [][2]*os.File{{nil, nil}, {null, nil}, {null, null}} {
		if NewTerminal(pair[0], pair[1]) != nil {
			t.Errorf("%v is taken for a terminal", pair)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the machine goes down")
	cancel(cause)
	w := newWorld(t)
	engine := &script{t: t, offered: map[string][]string{}, lines: lines(line{"SSH Public Key", ""}, line{"Platform", "ovirt"}, line{"Engine URL", "https://127.0.0.1:1"})}
	_, err := Run(ctx, Deps{Ask: engine, Clock: clock.Real(), Getenv: func(k string) string { return w.env[k] }, Sink: event.Discard})
	if !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
}
