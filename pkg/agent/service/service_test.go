package service

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func config(masters, arbiters, workers int) *agent.Config {
	return &agent.Config{
		ClusterName: "demo", Rendezvous: netip.MustParseAddr("192.0.2.10"),
		Masters: masters, Arbiters: arbiters, Workers: workers, Expires: start.Add(24 * time.Hour),
		AgentToken: secret.New("token-of-hosts"), WatcherToken: secret.New("token-of-watchers"),
		MachineNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
}

// office is a service with the hosts that report to it.
type office struct {
	*Service
	t     *testing.T
	clock *clock.Fake
	told  map[int]agent.Order
}

func newOffice(t *testing.T, c *agent.Config) *office {
	t.Helper()
	o := &office{t: t, clock: clock.NewFake(start), told: map[int]agent.Order{}}
	var err error
	if o.Service, err = New(c, t.TempDir(), o.clock); err != nil {
		t.Fatal(err)
	}
	return o
}

// restart reads the state again.
func (o *office) restart() {
	o.t.Helper()
	s, err := New(o.cfg, o.dir, o.clock)
	if err != nil {
		o.t.Fatal(err)
	}
	o.Service = s
}

func mac(i int) string { return fmt.Sprintf("52:54:00:00:00:%02x", i) }

// report is what host i says, which has address 192.0.2.(10+i).
func (o *office) report(i int, stage agent.Stage) agent.Report {
	return agent.Report{
		Boot: "first", Stage: stage, Role: o.told[i].Role, Hostname: o.told[i].Hostname,
		Inventory: agent.Inventory{ID: fmt.Sprint("id-", i), UUID: fmt.Sprint(i), NICs: []agent.NIC{{
			Name: "eth0", MAC: mac(i), Physical: true,
			Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}), 24)},
		}}},
	}
}

func (o *office) send(i int, r agent.Report) agent.Order {
	o.t.Helper()
	order, err := o.Report(r)
	if err != nil {
		o.t.Fatal(err)
	}
	o.told[i] = order
	return order
}

func (o *office) say(stage agent.Stage, hosts ...int) {
	o.t.Helper()
	for _, i := range hosts {
		o.send(i, o.report(i, stage))
	}
}

// register lets hosts register and become ready, in this order.
func (o *office) register(hosts ...int) {
	o.t.Helper()
	o.say(agent.Discovering, hosts...)
	o.say(agent.Discovering, hosts...) // now they know their roles
	o.say(agent.Ready, hosts...)
	o.say(agent.Ready, hosts...)
}

func TestAssign(t *testing.T) {
	named := func(i int, name, role string) agent.Host {
		return agent.Host{Hostname: name, Role: role, MACs: []string{strings.ToUpper(mac(i))}}
	}
	tests := []struct {
		name                       string
		masters, arbiters, workers int
		settings                   []agent.Host
		own                        map[int]string
		order                      []int
		want                       string
		problem                    string
	}{
		{name: "fill masters, arbiters, workers", masters: 2, arbiters: 1, workers: 1, order: []int{3, 1, 0, 2},
			want: "3=master-1 1=arbiter-0 0=master-0 2=worker-0"},
		{name: "the rendezvous host is a master, however late", masters: 1, workers: 2, order: []int{1, 2, 0},
			want: "1=worker-0 2=worker-1 0=master-0"},
		{name: "roles of agent-config.yaml first", masters: 3, workers: 1, order: []int{1, 2, 0, 3},
			settings: []agent.Host{named(1, "", "worker"), named(3, "m3", "master")},
			want:     "1=worker-0 2=master-1 0=master-0 3=m3/master"},
		{name: "also of hosts that are missing", masters: 2, workers: 1, order: []int{0, 1},
			settings: []agent.Host{named(2, "late", "master")},
			want:     "0=master-0 1=worker-0"},
		{name: "own names, if only one has them", masters: 5, order: []int{0, 1, 2, 3, 4},
			own:  map[int]string{0: "rack1.example.org", 1: "node", 2: "node", 3: "localhost.localdomain", 4: "Bad_Name"},
			want: "0=rack1.example.org/master 1=master-0 2=master-1 3=master-2 4=master-3"},
		{name: "names of others are taken", masters: 3, order: []int{0, 1, 2},
			settings: []agent.Host{named(2, "master-0", "")}, own: map[int]string{1: "master-0"},
			want: "0=master-1 1=master-2 2=master-0"},
		{name: "before the rendezvous host", masters: 3, order: []int{1, 2}, want: "1= 2="},
		{name: "one too many", masters: 3, order: []int{0, 1, 2, 3},
			problem: "there is no place for 52:54:00:00:00:03 (192.0.2.13"},
		{name: "same hostname twice", masters: 3, order: []int{0, 1, 2},
			settings: []agent.Host{named(1, "same", ""), named(2, "same", "")}, problem: "hostname same"},
		{name: "two machines for one entry", masters: 3, order: []int{0, 1, 2},
			settings: []agent.Host{{Hostname: "one", MACs: []string{mac(1), mac(2)}}},
			problem:  "same host of agent-config.yaml"},
		{name: "one machine for two entries", masters: 3, order: []int{0, 1},
			settings: []agent.Host{named(1, "a", ""), named(1, "b", "")}, problem: "two hosts of agent-config.yaml: a and b"},
		{name: "the rendezvous host as a worker", masters: 3, order: []int{0},
			settings: []agent.Host{named(0, "r", "worker")}, problem: "must be a master"},
	}
	for _, tt := range tests {
		c := config(tt.masters, tt.arbiters, tt.workers)
		c.Hosts = tt.settings
		o := newOffice(t, c)
		for range 2 { // the second time nothing may change
			for _, i := range tt.order {
				r := o.report(i, agent.Discovering)
				r.Inventory.Hostname = tt.own[i]
				o.send(i, r)
			}
		}
		s := o.Status()
		if tt.problem != "" {
			if s.Problem == nil || !strings.Contains(s.Problem.Message, tt.problem) || s.Problem.Next == "" {
				t.Errorf("%s: problem %+v", tt.name, s.Problem)
			}
			continue
		}
		var got []string
		for _, i := range tt.order {
			text := fmt.Sprintf("%d=%s", i, o.told[i].Hostname)
			if !strings.HasPrefix(o.told[i].Hostname, o.told[i].Role+"-") && o.told[i].Role != "" {
				text += "/" + o.told[i].Role
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != tt.want || s.Problem != nil {
			t.Errorf("%s: got %s, want %s; problem %+v", tt.name, text, tt.want, s.Problem)
		}
	}
}

func TestSharedMAC(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.say(agent.Discovering, 0, 1)
	r := o.report(2, agent.Discovering)
	r.Inventory.NICs[0].MAC = mac(1)
	o.send(2, r)
	if p := o.Status().Problem; p == nil || !strings.Contains(p.Message, "MAC address "+mac(1)) {
		t.Errorf("problem %+v", p)
	}
}

// TestSameMachineTwice: two machines with one UUID and MAC address report by turns.
func TestSameMachineTwice(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.register(0, 1)
	clone := o.report(1, agent.Ready)
	clone.Boot = "of the other machine"
	o.send(1, clone)
	if p := o.Status().Problem; p != nil {
		t.Fatalf("a host that boots again: %+v", p)
	}
	o.say(agent.Ready, 1)
	if p := o.Status().Problem; p == nil || !strings.Contains(p.Message, "same UUID") {
		t.Fatalf("problem %+v", p)
	}
	o.register(2)
	o.say(agent.Ready, 0, 1, 2)
	if o.told[0].Action != agent.Wait {
		t.Error("orders were given")
	}
	// One of them is turned off.
	o.clock.Advance(forgotten + time.Second)
	o.say(agent.Ready, 0, 1, 2)
	if p := o.Status().Problem; p != nil {
		t.Errorf("problem %+v", p)
	}
}

func TestOrders(t *testing.T) {
	o := newOffice(t, config(3, 0, 1))
	o.say(agent.Discovering, 0, 1, 2)
	r := o.report(3, agent.Discovering)
	r.Checks = []agent.Check{{ID: "memory", Result: agent.Fail, Problem: agent.Problem{Message: "8 GiB"}}}
	if s := o.Status(); s.Missing != 1 || !strings.Contains(s.Waiting, "1 of 4 hosts") {
		t.Errorf("missing %d, waiting for %q", s.Missing, s.Waiting)
	}
	o.send(3, r)
	o.say(agent.Ready, 0, 1, 2)
	o.clock.Advance(2 * time.Second)
	o.send(3, r)
	if s := o.Status(); s.Waiting != "host worker-0, check memory: 8 GiB (since 09:00:00)" {
		t.Errorf("waiting for %q", s.Waiting)
	}
	// Ready as what it is not any more does not count.
	wrong := o.report(3, agent.Ready)
	wrong.Role = "master"
	if o.send(3, wrong).Action != agent.Wait {
		t.Error("checks of another role were enough")
	}
	// Silence is not readiness.
	o.clock.Advance(agent.Silence + time.Second)
	o.say(agent.Ready, 3)
	if s := o.Status(); !strings.Contains(s.Waiting, "host master-0 (192.0.2.10") || !s.Hosts[0].Silent {
		t.Errorf("waiting for %q", s.Waiting)
	}
	if o.told[3].Action != agent.Wait {
		t.Error("an order although hosts are silent")
	}
	o.say(agent.Ready, 0, 1, 2)
	o.restart()
	o.say(agent.Ready, 0, 1, 2, 3)
	want := map[int]agent.Order{
		0: {Action: agent.Bootstrap}, 1: {Action: agent.Install, Reboot: true}, 2: {Action: agent.Install, Reboot: true},
		3: {Action: agent.Install},
	}
	for i, w := range want {
		if got := o.told[i]; got.Action != w.Action || got.Reboot != w.Reboot {
			t.Errorf("host %d: %+v, want %+v", i, got, w)
		}
	}
	before := o.told[2].Hostname + o.told[3].Role
	// Nothing is taken back, whatever they say; and a fifth host is left alone.
	o.restart()
	o.say(agent.Discovering, 1, 2, 3, 4)
	if o.told[1].Action != agent.Install || o.told[4].Action != agent.Wait || o.told[2].Hostname+o.told[3].Role != before {
		t.Errorf("told %+v", o.told)
	}
	if p := o.Status().Problem; p == nil || !strings.Contains(p.Message, "192.0.2.14") {
		t.Errorf("problem %+v", p)
	}
}

func TestSurplusIsForgotten(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.register(0, 1, 2, 3)
	if o.told[0].Action != agent.Wait {
		t.Fatal("orders with one host too many")
	}
	o.clock.Advance(forgotten + time.Second)
	o.say(agent.Ready, 0, 1, 3) // number 2 was turned off
	o.say(agent.Ready, 0, 1, 3)
	o.say(agent.Ready, 0, 1, 3)
	if s := o.Status(); o.told[0].Action != agent.Bootstrap || o.told[3].Action != agent.Install || len(s.Hosts) != 3 {
		t.Errorf("told %+v, waiting for %q", o.told, s.Waiting)
	}
	// A host that is needed is not forgotten.
	o = newOffice(t, config(3, 0, 0))
	o.register(0, 1)
	o.clock.Advance(10 * forgotten)
	if s := o.Status(); len(s.Hosts) != 2 || !s.Hosts[1].Silent {
		t.Errorf("hosts %+v", s.Hosts)
	}
}

// TestHandover goes through the stages of an installation, with a restart after each.
func TestHandover(t *testing.T) {
	o := newOffice(t, config(3, 0, 1))
	o.register(0, 1, 2, 3)
	update := func(c Cluster) {
		t.Helper()
		if err := o.Update(c); err != nil {
			t.Fatal(err)
		}
		o.restart()
	}
	o.say(agent.Bootstrapping, 0)
	o.say(agent.Writing, 1, 2, 3)
	update(Cluster{Present: "bootkube: cb-bootstrap"})
	if text := o.Status().Waiting; !strings.Contains(text, "bootkube: cb-bootstrap") ||
		!strings.Contains(text, "worker-0") {
		t.Errorf("waiting for %q", text)
	}
	o.say(agent.Written, 1, 2, 3)
	o.say(agent.Rebooting, 1, 2)
	update(Cluster{Nodes: []Node{{Name: "master-1", Ready: true}}})
	o.say(agent.Written, 3)
	if o.told[3].Reboot {
		t.Error("the worker reboots with one master")
	}
	update(Cluster{Nodes: []Node{{Name: "master-1", Ready: true}, {Name: "other", Addresses: []string{"192.0.2.12"}}}})
	o.say(agent.Written, 3)
	if !o.told[3].Reboot {
		t.Error("the worker waits although two masters are nodes")
	}
	nodes := []Node{{Name: "master-1", Ready: true}, {Name: "master-2", Ready: true}}
	installs := func(c Cluster, want bool, why string) {
		t.Helper()
		c.Nodes = nodes
		update(c)
		o.say(agent.Bootstrapping, 0)
		if got := o.told[0].Action == agent.Install; got != want {
			t.Errorf("the rendezvous host installs itself: %v; %s; waiting for %q", got, why, o.Status().Waiting)
		}
	}
	installs(Cluster{Bootkube: true, Progress: true}, false, "the worker has not rebooted")
	update(Cluster{})
	o.say(agent.Rebooting, 3)
	installs(Cluster{Bootkube: true}, false, "progress runs")
	installs(Cluster{Progress: true}, false, "bootkube runs")
	nodes[1].Ready = false
	installs(Cluster{Bootkube: true, Progress: true}, false, "a master is not Ready")
	nodes[1].Ready = true
	installs(Cluster{Bootkube: true, Progress: true}, true, "all is done")
	o.say(agent.Writing, 0)
	nodes[1].Ready = false
	installs(Cluster{}, true, "an order is not taken back")
	o.say(agent.Written, 0)
	if !o.told[0].Reboot {
		t.Error("nobody watches, and yet the host waits")
	}
	// With a watcher it waits for the logs to be fetched, but not forever.
	o.watched = o.clock.Now()
	if o.say(agent.Written, 0); o.told[0].Reboot {
		t.Error("the logs are lost")
	}
	o.fetched = o.clock.Now().Add(time.Second)
	if o.say(agent.Written, 0); !o.told[0].Reboot {
		t.Error("it waits although the logs were fetched")
	}
	o.fetched = time.Time{}
	o.clock.Advance(watcherGrace)
	o.watched = o.clock.Now()
	if o.say(agent.Written, 0); !o.told[0].Reboot {
		t.Error("it waits forever")
	}
	o.say(agent.Rebooting, 0)
	if s := o.Status(); s.Waiting != "" {
		t.Errorf("waiting for %q", s.Waiting)
	}
}

func TestBootOrder(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.register(0, 1, 2)
	again := func(boot string, stage agent.Stage) agent.Order {
		r := o.report(1, stage)
		r.Boot = boot
		return o.send(1, r)
	}
	// Power was lost while the disk was written: the same order again.
	o.say(agent.Writing, 1)
	if got := again("second", agent.Ready); got.Action != agent.Install || got.Hostname != "master-1" {
		t.Errorf("order %+v", got)
	}
	again("second", agent.Rebooting)
	if got := again("third", agent.Ready); got.Action != agent.Wait || got.Problem == nil {
		t.Errorf("order %+v", got)
	}
	s := o.Status()
	if s.Problem == nil || !strings.Contains(s.Problem.Message, "boot order") || s.Hosts[1].Problem == nil {
		t.Errorf("problem %+v", s.Problem)
	}
	o.restart()
	if again("fourth", agent.Ready).Action != agent.Wait {
		t.Error("the disk is written again")
	}
	if err := o.Update(Cluster{Nodes: []Node{{Name: "master-1", Ready: true}}}); err != nil {
		t.Fatal(err)
	}
	if s := o.Status(); s.Problem != nil || s.Hosts[1].Stage != agent.Joined {
		t.Errorf("problem %+v, stage %s", s.Problem, s.Hosts[1].Stage)
	}
}

// TestLostState: the rendezvous host was booted again while the others were writing.
func TestLostState(t *testing.T) {
	o := newOffice(t, config(3, 0, 1))
	told := map[int]agent.Order{
		1: {Role: "worker", Hostname: "worker-0"}, 2: {Role: "master", Hostname: "master-2"},
		3: {Role: "master", Hostname: "master-1"},
	}
	o.told = told
	o.say(agent.Writing, 1, 2)
	o.say(agent.Written, 3)
	o.register(0)
	o.say(agent.Ready, 0)
	o.say(agent.Writing, 1)
	if o.told[0].Action != agent.Bootstrap || o.told[1].Action != agent.Install || o.told[1].Hostname != "worker-0" {
		t.Errorf("told %+v; waiting for %q", o.told, o.Status().Waiting)
	}
}

func TestEvents(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	for i := range maxEvents + 20 {
		stage := agent.Discovering
		if i%2 == 0 {
			stage = agent.Ready
		}
		o.say(stage, 1)
	}
	events := o.Status().Events
	if len(events) != maxEvents || events[0].Time.IsZero() || events[maxEvents-1].Host == "" {
		t.Errorf("%d events: %+v", len(events), events[len(events)-1])
	}
}

// TestState: what does not matter is not written, and half a file is an error that names it.
func TestState(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.say(agent.Discovering, 1)
	name := filepath.Join(o.dir, StateFile)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	r := o.report(1, agent.Discovering)
	r.Doing, r.Time = "something", o.clock.Now()
	o.send(1, r)
	if _, err := os.Stat(name); err == nil {
		t.Error("written although nothing has changed")
	}
	if err := os.WriteFile(name, []byte(`{"hosts":[`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(o.cfg, o.dir, o.clock); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("half a file: %v", err)
	}
}
