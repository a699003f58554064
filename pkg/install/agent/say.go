package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/event"
)

// say says what has changed between two answers of the service.
func say(sink event.Sink, before, now agent.Status) {
	for _, h := range now.Hosts {
		i := slices.IndexFunc(before.Hosts, func(old agent.HostStatus) bool { return old.ID == h.ID })
		if i < 0 {
			event.Info(sink, "Host "+nameOf(h)+" has registered"+described(h))
			sayHost(sink, agent.HostStatus{Stage: agent.Discovering}, h)
			continue
		}
		sayHost(sink, before.Hosts[i], h)
	}
	for _, stage := range now.Bootstrap {
		if !slices.Contains(before.Bootstrap, stage) {
			event.Info(sink, "Bootstrap: "+stage)
		}
	}
	if p := now.Problem; p != nil && (before.Problem == nil || *before.Problem != *p) {
		event.Warn(sink, sentence(p.Message, p.Next))
	}
}

func sayHost(sink event.Sink, before, h agent.HostStatus) {
	name := "Host " + nameOf(h)
	if old := nameOf(before); before.ID != "" && old != nameOf(h) {
		event.Info(sink, "Host "+old+" is now called "+nameOf(h))
	}
	for _, c := range h.Checks {
		same := func(old agent.Check) bool {
			return old.ID == c.ID && old.Result == c.Result && old.Message == c.Message
		}
		if slices.ContainsFunc(before.Checks, same) || c.Result == agent.Pass {
			continue
		}
		switch text := name + ": " + sentence(c.Message, c.Next); c.Result {
		case agent.Pending:
			event.Debug(sink, text, "check", c.ID)
		default:
			event.Warn(sink, text, "check", c.ID)
		}
	}
	for _, c := range before.Checks {
		if c.Result == agent.Fail && !slices.ContainsFunc(h.Checks, func(n agent.Check) bool { return n.ID == c.ID }) {
			event.Info(sink, name+": no longer: "+c.Message, "check", c.ID)
		}
	}
	if h.Stage != before.Stage {
		event.Info(sink, name+": "+stageText(h))
	} else if h.Doing != "" && h.Doing != before.Doing {
		event.ProgressOf(sink, nameOf(h)+": "+h.Doing)
	}
	if h.Silent && !before.Silent {
		event.Warn(sink, name+" was last heard of at "+h.LastHeard.UTC().Format("15:04:05")+" UTC. Next: "+
			"see on its console whether it runs, and check its power, cables and network")
	}
	if before.Silent && !h.Silent {
		event.Info(sink, name+" is heard again")
	}
	if p := h.Problem; p != nil && (before.Problem == nil || *before.Problem != *p) {
		event.Warn(sink, name+": "+sentence(p.Message, p.Next))
	}
}

// described is what a host is.
func described(h agent.HostStatus) string {
	var parts []string
	if h.Rendezvous {
		parts = append(parts, "bootstraps the cluster")
	}
	if h.Role != "" {
		parts = append(parts, h.Role)
	}
	for _, ip := range h.Addresses {
		parts = append(parts, ip.String())
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// stageText is a stage in words.
func stageText(h agent.HostStatus) string {
	switch h.Stage {
	case agent.Discovering:
		return "is being checked"
	case agent.Ready:
		return "is ready"
	case agent.Bootstrapping:
		return "bootstraps the cluster"
	case agent.Writing:
		if h.Disk != "" {
			return "writes " + h.Disk
		}
		return "writes its disk"
	case agent.Written:
		return "has written its disk"
	case agent.Rebooting:
		return "reboots from its disk"
	case agent.Joined:
		return "is a node of the cluster"
	case agent.Failed:
		return "has failed"
	}
	return fmt.Sprintf("is in stage %s", h.Stage)
}

// sentence joins what is wrong and what to do about it.
func sentence(message, next string) string {
	if next == "" {
		return message
	}
	return message + ". Next: " + next
}
