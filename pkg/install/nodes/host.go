package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/machines"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
)

const (
	// bootBudget is how long a host may take from its start until its live system answers. Servers test their memory
	// for ten minutes, and controllers read media at a few MB/s.
	bootBudget = 20 * time.Minute
	// maxBoots is how often a host is started before it is given up.
	maxBoots = 3
	// releasePause is how long a medium that could not be taken out is left alone.
	releasePause = 30 * time.Second
)

// host is a host of nodes-config.yaml, and how far it is.
type host struct {
	typesagent.NodeHost
	recorded addnodes.RecordedHost
	image    addnodes.Record // that it was started from, as far as that is known
	group    *group          // nil if somebody else starts it

	failure error // why it does not become a node
	heard   bool  // its live system has answered
	joined  bool  // it is a node
	ready   bool  // that is Ready
	busy    bool  // something is being done about it

	boots    int
	since    time.Time // when it was started last
	touched  bool      // it may have our medium
	released bool      // it is known to have none
	retry    time.Time // when the medium may be tried again
}

// look finds out how far each host is. What cannot be told of one does not keep the others from being added.
func (a *adding) look(ctx context.Context) error {
	list, err := a.nodes(ctx)
	if err != nil {
		return err
	}
	event.ProgressOf(a.Sink, "looking at the hosts")
	for _, h := range a.hosts {
		a.work.Go(func() { a.lookAt(ctx, h, list) })
	}
	a.work.Wait()
	for _, h := range a.hosts {
		if h.failure != nil && ctx.Err() == nil {
			event.Warn(a.Sink, "The "+called(h.NodeHost)+" is left alone", "err", h.failure)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (a *adding) lookAt(ctx context.Context, h *host, list []corev1.Node) {
	node := byName(list, h.Hostname)
	if node != nil {
		h.joined = true
		_, h.ready = handoff.NotReady(*node)
	}
	switch {
	case node != nil && (h.group == nil || slices.Contains(a.record.Done, h.Hostname)):
		h.released = true
		return
	case h.group == nil:
		return
	}
	m, err := a.joiner(h.group, a.Sink).Look(ctx, h.group.plan, h.Hostname)
	if err != nil {
		h.failure = err
		return
	}
	if h.failure = a.clashes(h, m, node, list); h.failure != nil {
		return
	}
	if node != nil {
		h.touched = true // an earlier run may have been killed before it took the medium out
		return
	}
	if h.heard = m.Runs && (agent.NewHost{RecordedHost: h.recorded, Image: a.record}).Answers(
		ctx, a.Env, a.source.MachineNetworks); h.heard {
		h.touched = true
	}
}

// clashes is why a machine must not be started: it is a node of the cluster already, whatever its name is.
func (a *adding) clashes(h *host, m machines.Machine, node *corev1.Node, list []corev1.Node) error {
	if node != nil {
		if m.ID == "" || strings.EqualFold(m.ID, node.Status.NodeInfo.SystemUUID) {
			return nil
		}
		return exit.New("name the host otherwise; if it replaces the node, remove that first: "+
			a.Typed("nodes remove "+node.Name), "there is a node %s, and it is another machine: its system UUID is %s, that "+
			"of the host %s", node.Name, node.Status.NodeInfo.SystemUUID, m.ID)
	}
	if other := byUUID(list, m.ID); other != nil {
		return exit.New("check the address of its controller; if the node is to get another name, remove it first: "+
			a.Typed("nodes remove "+other.Name), "its system UUID, %s, is that of node %s; it is left alone", m.ID, other.Name)
	}
	return nil
}

// errLate ends what is still being done about hosts when their time is over.
var errLate = errors.New("out of time while something was done about it through its BMC")

// run starts hosts, follows all of them, and cleans up.
func (a *adding) run(ctx context.Context) error {
	beside, stop := context.WithCancelCause(ctx)
	defer a.work.Wait()
	defer stop(nil)
	var followed []*host
	o := agent.NewNodes{API: a.api, Networks: a.source.MachineNetworks, Timeout: a.Timeout, Lost: a.lost}
	for _, h := range a.hosts {
		if h.ready {
			event.Info(a.Sink, "Node "+h.Hostname+" is Ready already")
		}
		if h.failure != nil || h.ready {
			continue
		}
		followed = append(followed, h)
		o.Hosts = append(o.Hosts, agent.NewHost{RecordedHost: h.recorded, Image: h.image})
		if h.group != nil && !h.joined && !h.heard {
			a.mu.Lock()
			a.start(beside, h)
			a.mu.Unlock()
		}
	}
	o.Seen = func(now []agent.NewNode) { a.seen(beside, followed, now) }
	var last []agent.NewNode
	var err error
	if len(followed) > 0 {
		last, err = agent.FollowNewNodes(ctx, a.Env, o)
	}
	stop(errLate)
	a.work.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, n := range last {
		if h := followed[i]; !n.Ready && h.failure == nil {
			h.failure = n.Failure
			if h.failure == nil {
				h.failure = exit.New("look at the console of the host, and at `oc get csr,nodes`; the same command goes on "+
					"waiting", "out of time, it%s", n.Lacks)
			}
		}
	}
	a.finish(ctx)
	return err
}

// lost is why a host is not waited for any more.
func (a *adding) lost(hostname string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.hosts {
		if h.Hostname == hostname && hostname != "" && !h.busy {
			return h.failure
		}
	}
	return nil
}

// start starts a host, beside everything else. The caller has the lock.
func (a *adding) start(ctx context.Context, h *host) {
	h.busy, h.released = true, false
	h.boots++
	if i := slices.Index(a.record.Done, h.Hostname); i >= 0 {
		a.record.Done = slices.Delete(slices.Clone(a.record.Done), i, i+1)
		a.keep()
	}
	a.work.Go(func() {
		// Absence proves nothing here: each host has a service of its own, which may be silent.
		err := a.joiner(h.group, a.Sink).Boot(ctx, h.group.plan, h.Hostname, false)
		a.mu.Lock()
		defer a.mu.Unlock()
		h.busy, h.since, h.failure = false, a.Clock.Now(), err
		h.touched = h.touched || exit.Code(err) != exit.Unproved || err == nil
		switch {
		case err == nil:
			event.Info(a.Sink, "Host "+h.Hostname+" starts from the image")
		case ctx.Err() == nil:
			event.Warn(a.Sink, "Host "+h.Hostname+" could not be started", "err", err)
		}
	})
}

// seen takes in how far hosts are: media are taken out of those that need none any more, and those that do not answer
// in time are started again.
func (a *adding) seen(ctx context.Context, hosts []*host, now []agent.NewNode) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, n := range now {
		h := hosts[i]
		if n.Joined && h.Hostname != "" && !slices.Contains(a.record.Joined, h.Hostname) {
			a.record.Joined = append(a.record.Joined, h.Hostname)
			a.keep()
		}
		h.heard, h.joined, h.ready = h.heard || n.Heard, n.Joined, n.Ready
		if h.group == nil || h.busy {
			continue
		}
		switch at := a.Clock.Now(); {
		case h.heard || h.joined:
			if h.touched && !h.released && !at.Before(h.retry) {
				h.busy = true
				a.work.Go(func() { a.release(ctx, h) })
			}
		case h.boots > 0 && h.failure == nil && at.Sub(h.since) > bootBudget && a.canBeHeard(h):
			if h.boots == maxBoots {
				h.failure = exit.New("look at the console of the host, which its BMC shows: whether it starts from the virtual "+
					"medium, and what its agent says", "it has not registered after %d starts from the image", h.boots)
				continue
			}
			event.Warn(a.Sink, fmt.Sprintf("Host %s has not registered; it is started again (%d of %d)", h.Hostname,
				h.boots+1, maxBoots))
			a.start(ctx, h)
		}
	}
}

// canBeHeard reports whether silence of a host says anything.
func (a *adding) canBeHeard(h *host) bool {
	return agent.NewHost{RecordedHost: h.recorded, Image: h.image}.Known(a.source.MachineNetworks)
}

// release takes the medium out of a host that has been marked as busy.
func (a *adding) release(ctx context.Context, h *host) {
	err := a.joiner(h.group, a.Sink).Release(ctx, h.group.plan, h.Hostname)
	a.mu.Lock()
	defer a.mu.Unlock()
	h.busy, h.released, h.retry = false, err == nil, a.Clock.Now().Add(releasePause)
	if err != nil && ctx.Err() == nil {
		event.Warn(a.Sink, "The medium of host "+h.Hostname+" could not be taken out; it is tried again", "err", err)
	}
}

// finish makes sure that no host has a medium any more, and tells the cluster of those that are nodes.
func (a *adding) finish(ctx context.Context) {
	for _, h := range a.hosts {
		if h.group != nil && h.touched && !h.released {
			event.ProgressOf(a.Sink, "checking that the medium of host "+h.Hostname+" is out")
			a.work.Go(func() { a.end(ctx, h) })
		}
	}
	a.work.Wait()
	a.register(ctx)
	for _, h := range a.hosts {
		if h.group != nil && h.released && h.ready && h.failure == nil && !slices.Contains(a.record.Done, h.Hostname) {
			a.record.Done = append(a.record.Done, h.Hostname)
		}
	}
	if a.record.CA != "" {
		a.keep()
	}
}

// end releases a host. One that has never been heard of is off afterwards, so that the next run may start it.
func (a *adding) end(ctx context.Context, h *host) {
	j := a.joiner(h.group, a.Sink)
	take := j.Release
	if !h.heard && !h.joined {
		take = j.Withdraw
	}
	err := take(ctx, h.group.plan, h.Hostname)
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.released = err == nil; err != nil && h.failure == nil {
		h.failure = exit.New("take the medium out by hand, or run the same command again",
			"it is a node, but whether its medium is out is not known: %w", err)
	}
}
