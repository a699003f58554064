package agent

import (
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
)

// stuckAfter is how long a host that should be there may not be, before it is named with what to
// do about it: hosts take a while to boot, and a minute is what an operator waits.
const stuckAfter = 40 * time.Second

// once warns if that was not said since forget.
func (f *follower) once(sink event.Sink, what, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.said[what] {
		return
	}
	if f.said == nil {
		f.said = map[string]bool{}
	}
	f.said[what] = true
	event.Warn(sink, text)
}

func (f *follower) forget(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.said, what)
}

// unanswered names the rendezvous host if it is silent and should not be: it has not written its
// disk, after which it reboots.
func (f *follower) unanswered(sink event.Sink) {
	f.mu.Lock()
	last, heard := f.last, f.heard
	f.mu.Unlock()
	i := slices.IndexFunc(last.Hosts, func(h agent.HostStatus) bool { return h.Rendezvous })
	if !f.lasts("silence", true, stuckAfter) {
		return
	}
	const next = "see on its console whether it runs, and check its power and its network"
	switch {
	case !heard:
		f.once(sink, "silence", "The rendezvous host does not answer. Next: boot the host that gets its address from "+
			"the image; if it has booted, "+next)
	case i < 0:
		f.once(sink, "silence", "The rendezvous host does not answer any more. Next: "+next)
	default:
		h := last.Hosts[i]
		if done(h) {
			return
		}
		f.once(sink, "silence", "The rendezvous host, "+nameOf(h)+", does not answer any more; it was last heard of at "+
			last.Time.UTC().Format("15:04:05")+" UTC, when it "+doing(h)+". Next: "+next+"; if it lost its power, boot it "+
			"from the image again, and then the hosts that it asks for")
	}
}

// done reports whether a host is the rendezvous host and has written its disk: it is started again
// then.
func done(h agent.HostStatus) bool {
	return h.Rendezvous && (h.Stage == agent.Written || h.Stage == agent.Rebooting || h.Stage == agent.Joined)
}

// doing is a stage as what a host did.
func doing(h agent.HostStatus) string {
	switch h.Stage {
	case agent.Bootstrapping:
		return "bootstrapped the cluster"
	case agent.Writing:
		return "wrote its disk"
	case agent.Ready:
		return "was ready"
	}
	return "was in stage " + string(h.Stage)
}

// answered says whether the rendezvous host has forgotten the installation, and names hosts that
// do not come.
func (f *follower) answered(sink event.Sink, s agent.Status) {
	f.lasts("silence", false, 0)
	f.forget("silence")
	f.mu.Lock()
	again := f.heard && !f.last.Since.Equal(s.Since)
	f.lost = f.lost || again && slices.ContainsFunc(f.last.Hosts, Begins) && !slices.ContainsFunc(f.last.Hosts, done)
	lost := f.lost
	f.mu.Unlock()
	if again {
		f.forget("missing " + strings.Join(s.MissingNames, " "))
		f.lasts("missing", false, 0)
		if lost {
			event.Warn(sink, "The rendezvous host was started again and has forgotten the installation, which is "+
				"in its memory only")
		}
	}
	if !f.lasts("missing", s.Missing > 0, stuckAfter) {
		return
	}
	who, it := "A host that agent-config.yaml does not name has", "it"
	switch len(s.MissingNames) {
	case 0:
	case 1:
		who = "Host " + s.MissingNames[0] + " has"
	default:
		who, it = "Hosts "+strings.Join(s.MissingNames, ", ")+" have", "each of them"
	}
	next := "boot " + it + " from the image; a host that has booted shows on its console why it does not register"
	if lost {
		next = "boot " + it + " from the image again, even if its disk was written: it is installed anew"
	}
	f.once(sink, "missing "+strings.Join(s.MissingNames, " "), who+" not registered. Next: "+next)
}
