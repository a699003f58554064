package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

var now = time.Date(2026, 11, 21, 9, 30, 5, 0, time.UTC)

func config() *agent.Config {
	return &agent.Config{
		ClusterName: "demo", BaseDomain: "example.org", Rendezvous: netip.MustParseAddr("192.0.2.10"),
		AgentToken: secret.New("token-of-hosts"), WatcherToken: secret.New("token-of-watchers"), Key: secret.New("the-key"),
	}
}

func host(i int, role string, stage agent.Stage) agent.HostStatus {
	return agent.HostStatus{
		ID: "id-" + string(rune('0'+i)), Hostname: role + "-" + string(rune('0'+i)), Role: role, Stage: stage,
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)})}, LastHeard: now,
	}
}

func selfOf(h agent.HostStatus) *agent.Self {
	return &agent.Self{Host: h, Rendezvous: netip.MustParseAddr("192.0.2.10")}
}

func views() map[string]View {
	first := host(0, "master", agent.Ready)
	first.Rendezvous = true
	small := host(1, "master", agent.Discovering)
	small.Checks = []agent.Check{
		{ID: "memory", Result: agent.Fail, Problem: agent.Problem{
			Message: "8 GiB of memory, and a master needs 16 GiB", Next: "add memory, or make this host a worker",
		}},
		{ID: "images", Result: agent.Pending, Problem: agent.Problem{Message: "pulling the release image"}},
		{ID: "ntp", Result: agent.Warn, Problem: agent.Problem{Message: "no time server answers"}},
	}
	quiet := host(2, "master", agent.Ready)
	quiet.Silent, quiet.LastHeard = true, now.Add(-time.Minute)
	waiting := &agent.Status{
		Hosts: []agent.HostStatus{first, small, quiet}, Missing: 1, MissingNames: []string{"worker-rack-7"},
		Waiting: "1 of 4 hosts to register: worker-rack-7",
	}
	writing := host(1, "master", agent.Writing)
	writing.Percent = 40
	boot := first
	boot.Stage = agent.Bootstrapping
	back := host(2, "master", agent.Discovering)
	back.Problem = &agent.Problem{Message: "the disk is written, but the host has booted the installation medium again: " +
		"fix its boot order", Next: "remove the medium, put the disk first in the boot order, and boot the host again"}
	many := &agent.Status{Waiting: strings.Repeat("worker-1, writing: 1,204 of 2,560 MiB; ", 20)}
	for i := range 10 {
		h := host(i, "worker", agent.Discovering)
		h.Checks = small.Checks
		many.Hosts = append(many.Hosts, h)
	}
	lonely := small
	lonely.Hostname, lonely.Role = "bad\x1b[2Jname\n", ""
	contact := selfOf(lonely)
	contact.Contact = "rendezvous host at 192.0.2.10:8090: no route to it: it is off, or one of the addresses is wrong"
	added := host(7, "worker", agent.Writing)
	added.Percent = 47
	return map[string]View{
		"waiting":    {Self: selfOf(small), Status: waiting},
		"rendezvous": {Self: selfOf(first), Status: waiting},
		"installing": {Self: selfOf(writing), Status: &agent.Status{
			Hosts: []agent.HostStatus{boot, writing, back}, Waiting: "the bootstrap: bootkube: cb-bootstrap",
			Problem: &agent.Problem{Message: "host master-2 (192.0.2.12): " + back.Problem.Message, Next: back.Problem.Next},
		}},
		"many":   {Self: selfOf(host(3, "worker", agent.Discovering)), Status: many},
		"done":   {Self: selfOf(boot), Status: &agent.Status{Hosts: []agent.HostStatus{boot}}},
		"lonely": {Self: contact, Error: errors.New("another reason")},
		"joining": {Self: selfOf(added), Status: &agent.Status{
			Hosts: []agent.HostStatus{added}, Waiting: "host worker-7, writing: 1,204 of 2,560 MiB",
		}},
		"starting": {Error: errors.New("rendezvous host at 192.0.2.10:8090: no answer")},
	}
}

func TestPage(t *testing.T) {
	for name, v := range views() {
		v.Config, v.Now = config(), now
		if strings.HasPrefix(name, "joining") {
			v.Config.Join = &agent.Join{}
		}
		page := Page(v)
		if len(page) > height {
			t.Errorf("%s: %d lines", name, len(page))
		}
		for _, line := range page {
			if len([]rune(line)) > width || strings.ContainsAny(line, "\x1b\r\n\t") {
				t.Errorf("%s: line %q", name, line)
			}
		}
		golden.Compare(t, filepath.Join("testdata", name+".txt"), strings.Join(page, "\n")+"\n")
	}
}

// TestRun shows pages on a terminal and elsewhere, with and without a service.
func TestRun(t *testing.T) {
	v := views()["lonely"]
	dir := t.TempDir()
	raw, err := json.Marshal(v.Self)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, agent.SelfFile), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		var out bytes.Buffer
		err := Run(ctx, Options{
			Out: &out, Terminal: terminal, StateDir: dir, Config: config(), Clock: clock.Real(), Every: time.Microsecond,
			Status: func(context.Context) (agent.Status, error) {
				if looks++; looks == 3 {
					cancel()
				}
				if looks == 1 {
					return agent.Status{}, errors.New("no answer")
				}
				return *views()["installing"].Status, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, want := range []string{"No answer:", "fix its boot order", "Waits for: the bootstrap"} {
			if !strings.Contains(text, want) {
				t.Errorf("terminal %v: no %q in %q", terminal, want, text)
			}
		}
		if terminal != strings.Contains(text, home) {
			t.Errorf("terminal %v: %q", terminal, text)
		}
		if n := strings.Count(text, "Waits for:"); !terminal && n != 1 {
			t.Errorf("the same line was printed %d times", n)
		}
		if strings.Contains(text, "token-of") || strings.Contains(text, "the-key") {
			t.Errorf("a secret in %q", text)
		}
	}
}
