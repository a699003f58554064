package nodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
)

// RemoveOptions are the flags of nodes remove.
type RemoveOptions struct {
	Kubeconfig string // default: that of the directory
	// Force goes on when a node cannot be drained, or its machine not be switched off.
	Force   bool
	Timeout time.Duration // of draining a node; default DrainTime
}

// removing is a run of nodes remove.
type removing struct {
	*cluster
	RemoveOptions
	known []typesagent.NodeHost // hosts that can be reached
}

// Remove is the command nodes remove: it drains nodes, ends their machines, and takes them out of the cluster.
func Remove(ctx context.Context, e *install.Env, names []string, o RemoveOptions) (err error) {
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	c, err := open(ctx, e, o.Kubeconfig)
	if err != nil {
		return err
	}
	r := &removing{cluster: c, RemoveOptions: o}
	list, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	// Nothing is done to any before all of them are known to be removable.
	for _, name := range names {
		if n := byName(list, name); n != nil && role(*n) != worker {
			return exit.With(exit.Unproved, "replace hosts of the control plane by the procedure of the release: take the "+
				"member out of etcd, remove the node, and add its successor with "+e.Typed("nodes add"),
				fmt.Errorf("node %s has role %s: with each member that goes, etcd is nearer to losing its quorum, and with "+
					"that the cluster; nothing was removed", name, role(*n)))
		}
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	var failed []string
	for _, name := range names {
		n := byName(list, name)
		var err error
		if n == nil {
			err = r.finish(ctx, name)
		} else {
			err = r.remove(ctx, *n)
		}
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			line := "  node " + name + ": " + err.Error()
			if next := exit.Next(err); next != "" {
				line += ". Next: " + next
			}
			failed = append(failed, line)
		}
	}
	if len(failed) > 0 {
		return exit.New("do what is said of each of them, then run the same command again", "%d of %d nodes are not removed "+
			"completely:\n%s", len(failed), len(names), strings.Join(failed, "\n"))
	}
	return nil
}

// learn finds the hosts that the directory and the cluster know how to reach. The file of the day counts more than that
// of the installation.
func (r *removing) learn(ctx context.Context) error {
	config, err := readNodes(r.Env)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if config != nil {
		for _, h := range config.Hosts {
			if h.Started() {
				r.known = append(r.known, h)
			}
		}
	}
	for _, p := range r.Platforms {
		if p.Machines.Joins == nil || p.Machines.Joins.Known == nil {
			continue
		}
		hosts, err := p.Machines.Joins.Known(r.access)
		if err != nil {
			return err
		}
		r.known = append(r.known, hosts...)
	}
	hosts, err := r.ofCluster(ctx)
	if err != nil {
		event.Warn(r.Sink, "What the cluster knows of its hosts could not be read", "err", err)
	}
	r.known = append(r.known, hosts...)
	for _, h := range r.known {
		if h.BMC != nil {
			r.Hide(h.BMC.Password)
		}
	}
	return nil
}

// remove takes one node out. The Node goes last: until then it proves whose machine that is.
func (r *removing) remove(ctx context.Context, n corev1.Node) error {
	uuid := n.Status.NodeInfo.SystemUUID
	if err := r.cordon(ctx, n); err != nil {
		return err
	}
	event.Info(r.Sink, "Draining node "+n.Name)
	if err := r.drain(ctx, n.Name, cmp.Or(r.Timeout, DrainTime), r.Force); err != nil {
		if !r.Force || ctx.Err() != nil {
			return err
		}
		event.Warn(r.Sink, "Node "+n.Name+" is removed although it could not be drained", "err", err)
	}
	r.mu.Lock()
	r.leaving = append(r.leaving, uuid)
	r.mu.Unlock()
	hosts, err := r.hostsOf(ctx, n)
	if err != nil {
		return err
	}
	if err := r.letGo(ctx, n, hosts); err != nil {
		return err
	}
	ended := r.endMachine(ctx, n)
	if ended != nil && !r.Force {
		return ended
	}
	if err := r.forget(ctx, hosts); err != nil {
		return errors.Join(ended, err)
	}
	if err := r.api.Delete(ctx, kube.Nodes.Ref("", n.Name)); err != nil && !kube.NotFound(err) {
		return errors.Join(ended, fmt.Errorf("delete the Node: %s", kube.Cause(err)))
	}
	event.Info(r.Sink, "Node "+n.Name+" is removed")
	return ended
}

// finish removes what an earlier run, or the cluster itself, left of a node that is gone. What runs is left alone: no
// node proves any more whose it is.
func (r *removing) finish(ctx context.Context, name string) error {
	hosts, err := r.leftovers(ctx, name)
	if err != nil {
		return err
	}
	if len(hosts) > 0 {
		n := corev1.Node{}
		n.Name = name
		if err := r.endMachine(ctx, n); err != nil && !r.Force {
			return err
		}
		if err := r.forget(ctx, hosts); err != nil {
			return err
		}
	}
	event.Info(r.Sink, "Node "+name+" is gone: the cluster has none of that name")
	return nil
}

// endMachine switches the machine of a node off, or removes it.
func (r *removing) endMachine(ctx context.Context, n corev1.Node) error {
	g, h, err := r.machine(n)
	if err != nil {
		return err
	}
	if g == nil {
		r.sayYours(n)
		return nil
	}
	defer func() { r.close(ctx, []*group{g}) }()
	if g.connect, err = g.Connect(ctx, r.access, g.joining); err != nil {
		return fmt.Errorf("%s: %w", called(h), err)
	}
	known, err := g.connect(r.Sink, nil).Remove(ctx, r.infraID, n.Name)
	switch {
	case err != nil:
		return exit.With(exit.Code(err), cmp.Or(exit.Next(err), "see that its controller answers; --force removes the node "+
			"nevertheless"), err)
	case !known:
		r.sayYours(n)
	default:
		event.Info(r.Sink, "The machine of node "+n.Name+" is off or gone, and has no medium. What is on the disks of a "+
			"host stays: wipe them before others get it")
	}
	return nil
}

func (r *removing) sayYours(n corev1.Node) {
	event.Warn(r.Sink, "How to switch off the machine of node "+n.Name+" is not known here: switch it off yourself "+
		"before it starts again, or it joins again")
}
