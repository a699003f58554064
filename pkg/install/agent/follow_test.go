package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
)

// answers are what a service says, one after the other; the last one stays.
type answers []any

func (a *answers) Status(context.Context) (agent.Status, error) {
	next := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	if err, failed := next.(error); failed {
		return agent.Status{}, err
	}
	return next.(agent.Status), nil
}

func (a *answers) Logs(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, "logs")
	return err
}

// lines collects what is said.
type lines []string

func (l *lines) Emit(e event.Event) {
	if e.Level >= 0 {
		*l = append(*l, strings.ToLower(e.Level.String())+" "+e.Message)
	}
}

func follows(clk clock.Clock, list ...any) *follower {
	a := answers(list)
	return &follower{service: &a, clock: clk, plan: assets.AgentPlan{Masters: 3}, names: map[string]bool{}}
}

func host(name string, stage agent.Stage) agent.HostStatus {
	return agent.HostStatus{ID: name, Hostname: name, Role: "master", Stage: stage}
}

func three(stage agent.Stage) agent.Status {
	return agent.Status{Hosts: []agent.HostStatus{host("a", stage), host("b", stage), host("c", stage)}}
}

func TestBegun(t *testing.T) {
	blocked := three(agent.Ready)
	blocked.Hosts[1].Checks = []agent.Check{
		{ID: "memory", Result: agent.Warn, Problem: agent.Problem{Message: "little memory"}},
		{ID: "ntp", Result: agent.Fail, Problem: agent.Problem{Message: "no time server answers", Next: "x"}},
	}
	few := agent.Status{Missing: 2, Hosts: []agent.HostStatus{host("a", agent.Ready)}}
	installing := three(agent.Ready)
	installing.Hosts[2].Stage = agent.Bootstrapping
	tests := []struct {
		name    string
		says    any
		missing string
		fails   string
	}{
		{"no host yet", agent.Status{Missing: 3}, "0 of 3 hosts have registered", ""},
		{"some hosts", few, "1 of 3 hosts have registered", ""},
		{"a check fails", blocked, "b has to pass check ntp", ""},
		{"all are ready", three(agent.Ready), "the installation to begin", ""},
		{"it has begun", installing, "", ""},
		{"silence", errors.New("rendezvous host: no answer"), "rendezvous host: no answer", ""},
		{"another image", fmt.Errorf("status: %w", client.ErrRefused), "", "its image is another one, or has expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := follows(clock.NewFake(time.Now()), tt.says)
			missing, err := f.begun(t.Context(), event.Discard)
			if !strings.Contains(missing, tt.missing) || tt.missing == "" && missing != "" {
				t.Errorf("waits for %q, not for %q", missing, tt.missing)
			}
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v", err)
			}
			if err != nil && exit.Next(err) == "" {
				t.Error("no next step")
			}
		})
	}
}

// What would be waited for in vain ends the wait after a while, and no sooner.
func TestPatience(t *testing.T) {
	broken := agent.Status{Problem: &agent.Problem{Message: "too many hosts", Next: "switch one off"}}
	failed := three(agent.Ready)
	failed.Hosts[0].Stage, failed.Hosts[0].Problem = agent.Failed, &agent.Problem{Message: "no disk", Next: "add one"}
	worker := three(agent.Ready)
	worker.Hosts[0].Role, worker.Hosts[0].Stage = "worker", agent.Failed
	worker.Hosts[0].Problem = &agent.Problem{Message: "no disk", Next: "add one"}
	silent := three(agent.Ready)
	silent.Hosts[2].Silent = true
	tests := []struct {
		name, fails string
		says        agent.Status
	}{
		{"a problem", "too many hosts", broken},
		{"a master that failed", "host a: no disk", failed},
		{"a worker that failed", "", worker},
		{"ready and not begun", "all 3 hosts have been ready for 1m0s", three(agent.Ready)},
		{"ready, but one is silent", "", silent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clk := clock.NewFake(time.Now())
			f := follows(clk, tt.says)
			for _, pause := range []time.Duration{0, patience - time.Second} {
				clk.Advance(pause)
				if _, err := f.begun(t.Context(), event.Discard); err != nil {
					t.Fatalf("too early: %v", err)
				}
			}
			clk.Advance(2 * time.Second)
			_, err := f.begun(t.Context(), event.Discard)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if err != nil && exit.Next(err) == "" {
				t.Error("no next step")
			}
		})
	}
	// A problem that goes away starts afresh.
	clk := clock.NewFake(time.Now())
	f := follows(clk, broken, agent.Status{Missing: 3}, broken)
	for range 3 {
		if _, err := f.begun(t.Context(), event.Discard); err != nil {
			t.Errorf("error %v", err)
		}
		clk.Advance(patience - time.Second)
	}
}

func TestSay(t *testing.T) {
	fail := agent.Check{ID: "memory", Result: agent.Fail, Problem: agent.Problem{Message: "8 GiB", Next: "add memory"}}
	pending := agent.Check{ID: "ntp", Result: agent.Pending, Problem: agent.Problem{Message: "not yet"}}
	one := func(change func(*agent.HostStatus)) agent.Status {
		h := host("a", agent.Discovering)
		change(&h)
		return agent.Status{Hosts: []agent.HostStatus{h}}
	}
	same := func(*agent.HostStatus) {}
	tests := []struct {
		name        string
		before, now agent.Status
		says        string // all of it; empty for nothing
	}{
		{"nothing new", one(same), one(same), ""},
		{"a host", agent.Status{}, one(func(h *agent.HostStatus) {
			h.Rendezvous, h.Addresses = true, []netip.Addr{netip.MustParseAddr("198.18.0.20")}
		}), "info Host a has registered (bootstraps the cluster, master, 198.18.0.20)"},
		{"a check fails", one(same), one(func(h *agent.HostStatus) { h.Checks = []agent.Check{fail, pending} }),
			"warn Host a: 8 GiB. Next: add memory"},
		{"it still fails", one(func(h *agent.HostStatus) { h.Checks = []agent.Check{fail} }),
			one(func(h *agent.HostStatus) { h.Checks = []agent.Check{fail} }), ""},
		{"it passes", one(func(h *agent.HostStatus) { h.Checks = []agent.Check{fail} }), one(same),
			"info Host a: no longer: 8 GiB"},
		{"a stage", one(same), one(func(h *agent.HostStatus) { h.Stage, h.Disk = agent.Writing, "/dev/sda" }),
			"info Host a: writes /dev/sda"},
		{"work", one(same), one(func(h *agent.HostStatus) { h.Doing = "1 of 2 MiB written" }), "info a: 1 of 2 MiB written"},
		{"silence", one(same), one(func(h *agent.HostStatus) { h.Silent, h.LastHeard = true, time.Unix(0, 0) }),
			"warn Host a was last heard of at 00:00:00 UTC. Next: see on its console whether it runs, and check its power, " +
				"cables and network"},
		{"the end of silence", one(func(h *agent.HostStatus) { h.Silent = true }), one(same), "info Host a is heard again"},
		{"a failure", one(same), one(func(h *agent.HostStatus) {
			h.Stage, h.Problem = agent.Failed, &agent.Problem{Message: "no disk", Next: "add one"}
		}), "info Host a: has failed\nwarn Host a: no disk. Next: add one"},
		{"another name", one(same), one(func(h *agent.HostStatus) { h.Hostname = "b" }), "info Host a is now called b"},
		{"a step of the bootstrap", agent.Status{Bootstrap: []string{"one"}}, agent.Status{Bootstrap: []string{"one", "two"}},
			"info Bootstrap: two"},
		{"a problem", agent.Status{}, agent.Status{Problem: &agent.Problem{Message: "too many hosts"}},
			"warn too many hosts"},
		{"a host without name", agent.Status{}, agent.Status{Hosts: []agent.HostStatus{{
			ID: "x", MACs: []string{"52:54:00:00:00:01"}, Stage: agent.Discovering}}},
			"info Host 52:54:00:00:00:01 has registered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l lines
			say(&l, tt.before, tt.now)
			if got := strings.Join(l, "\n"); got != tt.says {
				t.Errorf("said\n%s\nnot\n%s", got, tt.says)
			}
		})
	}
}

// pass lets time pass once somebody waits for it.
func pass(ctx context.Context, clk *clock.Fake, d time.Duration) {
	for clk.Waiters() == 0 && ctx.Err() == nil {
		runtime.Gosched()
	}
	clk.Advance(d)
}

// A problem of the hosts ends a wait for the API; silence does not.
func TestAlongside(t *testing.T) {
	broken := agent.Status{Problem: &agent.Problem{Message: "etcd lost its data", Next: "begin anew"}}
	clk := clock.NewFake(time.Now())
	f := follows(clk, broken)
	waits := func(ctx context.Context, _ event.Sink) error {
		for ctx.Err() == nil {
			pass(ctx, clk, statusEvery)
		}
		return context.Cause(ctx)
	}
	err := f.alongside(waits)(t.Context(), event.Discard)
	if problem := (*Problem)(nil); !errors.As(err, &problem) || exit.Next(err) != "begin anew" {
		t.Errorf("error %v", err)
	}
	f = follows(clk, errors.New("no answer"))
	calls := 0
	silent := func(ctx context.Context, _ event.Sink) error {
		for ; calls < 100 && ctx.Err() == nil; calls++ {
			pass(ctx, clk, patience)
		}
		return ctx.Err()
	}
	if err := f.alongside(silent)(t.Context(), event.Discard); err != nil || calls != 100 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// The logs are fetched once, before the rendezvous host reboots.
func TestKeepLogs(t *testing.T) {
	written := three(agent.Joined)
	written.Hosts[0].Rendezvous, written.Hosts[0].Stage = true, agent.Written
	f := follows(clock.NewFake(time.Now()), three(agent.Joined), written)
	f.logs = filepath.Join(t.TempDir(), "logs.tar")
	for _, want := range []string{"", "logs", "logs"} {
		if _, err := f.look(t.Context(), event.Discard); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.logs)
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("logs %q, %v", got, err)
		}
	}
	if info, err := os.Stat(f.logs); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// The names of hosts are learned while they register.
func TestHostnames(t *testing.T) {
	f := follows(clock.NewFake(time.Now()), three(agent.Ready))
	f.names["planned"] = true
	if _, err := f.look(t.Context(), event.Discard); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.hostnames(), " "); got != "a b c planned" {
		t.Errorf("names %s", got)
	}
}
