package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types"
)

// statusEvery is how often the rendezvous host is asked.
const statusEvery = 2 * time.Second

// patience is how long a problem that ends the installation, or hosts that are all ready and
// do not begin, are waited for: somebody may be at work, and the service repeats itself.
const patience = time.Minute

// Service is what the rendezvous host says.
type Service interface {
	Status(ctx context.Context) (agent.Status, error)
	Logs(ctx context.Context, w io.Writer) error
}

// follower says what changes on the hosts. The service ends before the installation does: its
// host reboots last. So its silence means nothing; the cluster's API decides.
type follower struct {
	service Service
	clock   clock.Clock
	plan    assets.AgentPlan
	logs    string // file for the logs of the hosts; empty for none
	alone   bool   // the only host of its service; it joins a cluster
	seen    func(agent.Status)

	mu    sync.Mutex
	last  agent.Status
	heard bool
	names map[string]bool // of hosts
	left  []string        // names of hosts that the installation goes on without

	since map[string]time.Time // when what is not right was first seen
	said  map[string]bool      // warnings that are not repeated
	kept  bool                 // the logs
	// lost: the rendezvous host was started again and has forgotten the installation.
	lost bool
}

// required is the number of hosts that the installation does not go on without.
func (f *follower) required() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.plan.Masters + f.plan.Arbiters + f.plan.Workers - len(f.left)
}

// hostnames are those that are known so far.
func (f *follower) hostnames() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for name := range f.names {
		if !slices.Contains(f.left, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// incomplete reports whether hosts have been left out.
func (f *follower) incomplete() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.left) > 0
}

// look asks the service once, and says what has changed.
func (f *follower) look(ctx context.Context, sink event.Sink) (agent.Status, error) {
	s, err := f.service.Status(ctx)
	if err != nil {
		return s, err
	}
	f.keepLogs(ctx, sink, s)
	f.answered(sink, s)
	if f.seen != nil {
		f.seen(s)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	say(sink, f.last, s)
	f.last, f.heard, f.left = s, true, s.LeftOut
	for _, h := range s.Hosts {
		if h.Hostname != "" {
			f.names[h.Hostname] = true
		}
	}
	return s, nil
}

// keepLogs fetches the logs of all hosts before the rendezvous host reboots, which waits a
// little for that. They are in its memory only.
func (f *follower) keepLogs(ctx context.Context, sink event.Sink, s agent.Status) {
	written := func(h agent.HostStatus) bool { return (h.Rendezvous || f.alone) && h.Stage == agent.Written }
	if f.logs == "" || f.kept || !slices.ContainsFunc(s.Hosts, written) {
		return
	}
	err := replace(f.logs, func(name string) error {
		return atomicfile.Create(name, 0o600, func(out *os.File) error { return f.service.Logs(ctx, out) })
	})
	if err != nil {
		event.Warn(sink, "The logs of the hosts could not be fetched before they are gone", "err", err)
		return
	}
	f.kept = true
	event.Info(sink, "The logs of the hosts are in "+f.logs)
}

// begun waits until the hosts are being installed. It returns what is missing, empty if nothing is.
func (f *follower) begun(ctx context.Context, sink event.Sink) (string, error) {
	s, err := f.look(ctx, sink)
	switch {
	case errors.Is(err, client.ErrRefused):
		return "", exit.With(exit.Other, "boot all hosts from the image that was made last in this directory", ErrForeign)
	case err != nil:
		f.unanswered(sink)
		return err.Error(), nil
	}
	if err := f.persists(problemOf(s)); err != nil {
		return "", err
	}
	if slices.ContainsFunc(s.Hosts, Begins) {
		return "", nil
	}
	if f.lasts("ready", allReady(s, f.required()), patience) {
		return "", exit.New("look at the console of the rendezvous host and its journal: "+
			"ssh core@ADDRESS journalctl -u okd-agent",
			"all %d hosts have been ready for %s, but the installation does not begin", f.required(), patience)
	}
	return missing(s, f.required()), nil
}

// Begins reports whether a host is being installed.
func Begins(h agent.HostStatus) bool {
	return h.Stage != agent.Discovering && h.Stage != agent.Ready && h.Stage != agent.Failed && h.Stage != ""
}

func allReady(s agent.Status, required int) bool {
	waits := func(h agent.HostStatus) bool { return h.Stage != agent.Ready || h.Silent }
	return s.Missing == 0 && len(s.Hosts) == required && !slices.ContainsFunc(s.Hosts, waits)
}

// Problem is what ends an installation.
type Problem struct{ agent.Problem }

func (p *Problem) Error() string { return p.Message }

// Next is what to do about it.
func (p *Problem) Next() string { return p.Problem.Next }

// problemOf is what keeps the cluster from coming up, nil if nothing does. A worker does not:
// the cluster says itself what it lacks.
func problemOf(s agent.Status) *Problem {
	if s.Problem != nil {
		return &Problem{*s.Problem}
	}
	for _, h := range s.Hosts {
		if h.Stage == agent.Failed && h.Role != types.WorkerPool && h.Problem != nil {
			return &Problem{agent.Problem{Message: "host " + nameOf(h) + ": " + h.Problem.Message, Next: h.Problem.Next}}
		}
	}
	return nil
}

// persists returns the problem once it has been there for a while.
func (f *follower) persists(p *Problem) error {
	if f.lasts("problem", p != nil, patience) {
		return p
	}
	return nil
}

// lasts reports whether something has been so for longer than a time.
func (f *follower) lasts(what string, is bool, limit time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !is {
		delete(f.since, what)
		return false
	}
	if f.since == nil {
		f.since = map[string]time.Time{}
	}
	now := f.clock.Now()
	if f.since[what].IsZero() {
		f.since[what] = now
	}
	return now.Sub(f.since[what]) > limit
}

// troubled reports whether the rendezvous host said last that there is a problem, and still answers.
func (f *follower) troubled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.since["problem"].IsZero() && f.since["silence"].IsZero()
}

// alongside runs a phase, and meanwhile says what changes on the hosts. A problem that ends
// the installation ends the phase, which is not done while there is one.
func (f *follower) alongside(
	run func(context.Context, event.Sink) error,
) func(context.Context, event.Sink) error {
	return func(ctx context.Context, sink event.Sink) error {
		within, stop := context.WithCancelCause(ctx)
		var background sync.WaitGroup
		background.Go(func() { f.follow(within, sink, stop) })
		err := run(within, sink)
		for err == nil && f.troubled() { // it may have begun a moment ago, and the cluster not know it yet
			err = f.clock.Sleep(within, statusEvery)
		}
		cause := context.Cause(within)
		stop(nil)
		background.Wait()
		if problem := (*Problem)(nil); err != nil && errors.As(cause, &problem) {
			return problem
		}
		return err
	}
}

func (f *follower) known() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard
}

func (f *follower) follow(ctx context.Context, sink event.Sink, stop context.CancelCauseFunc) {
	for {
		s, err := f.look(ctx, sink)
		if err != nil && ctx.Err() == nil {
			event.Debug(sink, "the rendezvous host does not answer", "err", err)
			if f.known() { // else it may have rebooted long ago
				f.unanswered(sink)
			}
		}
		if err == nil {
			if problem := f.persists(problemOf(s)); problem != nil {
				stop(problem)
				return
			}
		}
		if f.clock.Sleep(ctx, statusEvery) != nil {
			return
		}
	}
}

// missing is what the installation waits for, in a line.
func missing(s agent.Status, required int) string {
	var parts []string
	if s.Missing > 0 {
		text := fmt.Sprintf("%d of %d hosts have registered", len(s.Hosts), required)
		if len(s.MissingNames) > 0 {
			text += "; missing: " + strings.Join(s.MissingNames, ", ")
		}
		parts = append(parts, text)
	}
	for _, h := range s.Hosts {
		switch blocking := failing(h); {
		case slices.Contains(s.LeftOut, h.Hostname):
		case h.Problem != nil:
			parts = append(parts, nameOf(h)+": "+h.Problem.Message)
		case len(blocking) > 0:
			// What each of them says has been told.
			parts = append(parts, nameOf(h)+" has to pass "+checkNames(blocking))
		}
	}
	if len(parts) == 0 {
		if s.Waiting != "" {
			return s.Waiting
		}
		return "the installation to begin"
	}
	return strings.Join(parts, "; ")
}

// failing are the checks that keep a host from being installed, apart from those that have no
// result yet.
func failing(h agent.HostStatus) []agent.Check {
	return slices.DeleteFunc(slices.Clone(h.Checks), func(c agent.Check) bool { return c.Result != agent.Fail })
}

func checkNames(list []agent.Check) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.ID
	}
	if len(names) == 1 {
		return "check " + names[0]
	}
	return "checks " + strings.Join(names, ", ")
}

func nameOf(h agent.HostStatus) string {
	switch {
	case h.Hostname != "":
		return h.Hostname
	case len(h.MACs) > 0:
		return h.MACs[0]
	}
	return h.ID
}
