package nodes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	typesagent "github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/version"
)

// AddOptions are the flags of nodes add.
type AddOptions struct {
	Kubeconfig  string // default: that of the directory
	Media       machines.Media
	TakeRunning bool // start hosts anew that are on although nothing proves that they may be
	Parallel    int
	Program     string // the node agent, if this program does not run on the hosts
	NewImage    bool   // make the image anew although the last one can be used
	Timeout     time.Duration

	// make makes the image; tests replace it.
	make func(context.Context, *install.Env, event.Sink, agent.NodeISO) (addnodes.Record, error)
}

// adding is a run of nodes add.
type adding struct {
	*cluster
	AddOptions
	config *typesagent.NodesConfig
	source *addnodes.Cluster
	inputs string // of the image
	groups []*group
	hosts  []*host

	mu     sync.Mutex // of hosts and record
	record addnodes.Record
	work   sync.WaitGroup
}

// Add is the command nodes add: it makes the hosts of nodes-config.yaml nodes of the cluster. Those with a BMC, and
// VMs, it starts itself.
func Add(ctx context.Context, e *install.Env, o AddOptions) (err error) {
	started := e.Clock.Now()
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	a, err := newAdding(ctx, e, o)
	if err != nil {
		return err
	}
	defer func() { a.close(ctx, a.groups) }()
	if err := a.look(ctx); err != nil {
		return err
	}
	if err := agent.NodeFindings(a.source.Check(a.config, a.joined()...)); err != nil {
		return err
	}
	if err := a.image(ctx); err != nil {
		return err
	}
	err = a.run(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err = a.result(err); err == nil {
		e.Elapsed(started)
	}
	return err
}

func newAdding(ctx context.Context, e *install.Env, o AddOptions) (*adding, error) {
	if o.make == nil {
		o.make = func(ctx context.Context, e *install.Env, sink event.Sink, n agent.NodeISO) (addnodes.Record, error) {
			return n.Make(ctx, e, sink)
		}
	}
	config, err := agent.ReadNodes(e)
	if err != nil {
		return nil, err
	}
	c, err := open(ctx, e, o.Kubeconfig)
	if err != nil {
		return nil, err
	}
	c.access.Media, c.access.TakeRunning, c.access.Parallel = o.Media, o.TakeRunning, o.Parallel
	a := &adding{cluster: c, AddOptions: o, config: config}
	event.ProgressOf(e.Sink, "reading the cluster")
	if a.source, err = addnodes.Read(ctx, c.api, addnodes.Roles(config)...); err != nil {
		return nil, err
	}
	e.Hide(a.source.Secrets()...)
	if a.record, err = agent.NodeRecord(e); err != nil {
		return nil, err
	}
	if a.inputs, err = a.inputsOf(); err != nil {
		return nil, err
	}
	recorded := a.source.Record(config, addnodes.Access{}).Hosts
	for i, h := range config.Hosts {
		a.hosts = append(a.hosts, &host{NodeHost: h, recorded: recorded[i], image: a.record})
	}
	return a, a.open(ctx)
}

// inputsOf is a checksum of what an image is made from, but for what is drawn.
func (a *adding) inputsOf() (string, error) {
	text, err := os.ReadFile(a.Path(typesagent.NodesFile))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, part := range []string{string(text), a.infraID, a.source.ReleaseImage, version.String(), a.Program} {
		fmt.Fprintf(sum, "%d\n%s\n", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// open sorts the hosts by platform.
func (a *adding) open(ctx context.Context) error {
	for _, h := range a.hosts {
		if !h.Started() {
			continue
		}
		p, has := a.platformOf(h.NodeHost)
		if !has {
			return exit.New("boot it yourself: without bmc and ovirt it is yours to boot",
				"%s: this installer cannot start machines like it", called(h.NodeHost))
		}
		i := slices.IndexFunc(a.groups, func(g *group) bool { return g.platform == p.Name })
		if i < 0 {
			i = len(a.groups)
			a.groups = append(a.groups, &group{Joins: *p.Joins, platform: p.Name, joining: machines.Joining{
				InfraID: a.infraID, Config: a.access.Config, BMCVerifyCA: a.config.BMCVerifyCA,
			}})
		}
		h.group = a.groups[i]
		h.group.joining.Machines = append(h.group.joining.Machines, machines.JoiningMachine{Host: h.NodeHost})
	}
	for _, g := range a.groups {
		if err := g.open(ctx, a.cluster, plan.Image{}); err != nil {
			return err
		}
	}
	return nil
}

// joiner is the platform of a host's group. The image is there before one is asked to start a host.
func (a *adding) joiner(g *group, sink event.Sink) machines.Joiner {
	return g.connect(sink, func(_ context.Context, i plan.Image) (plan.Image, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		i.Path = a.Path(a.record.File)
		return i, nil
	})
}

// joined are the names of hosts that are nodes, or start to be.
func (a *adding) joined() []string {
	var out []string
	for _, h := range a.hosts {
		if h.joined || h.heard {
			out = append(out, h.Hostname)
		}
	}
	return out
}

// spare is how long an image has to be usable when hosts are started from it.
const spare = 2 * time.Hour

// image makes the image, if hosts need one and the last one cannot be used.
func (a *adding) image(ctx context.Context) error {
	needed, written := false, false
	for _, h := range a.hosts {
		if h.failure == nil && !h.joined && !h.heard {
			needed = true
			written = written || slices.Contains(a.record.Joined, h.Hostname)
		}
	}
	if !needed {
		return nil
	}
	usable := a.record.Inputs == a.inputs && a.record.File != "" && !written && !a.NewImage &&
		a.Clock.Now().Add(spare).Before(a.record.Expires)
	if usable {
		_, err := os.Stat(a.Path(a.record.File))
		usable = err == nil
	}
	if usable {
		event.Info(a.Sink, "The image in "+a.Path(a.record.File)+" is used again")
	} else {
		done := a.record.Done
		record, err := a.make(ctx, a.Env, a.Sink, agent.NodeISO{
			Cluster: a.source, Nodes: a.config, Program: a.Program, Inputs: a.inputs,
		})
		if err != nil {
			return err
		}
		a.Hide(record.Watcher)
		record.Done = done
		a.record = record
		event.Info(a.Sink, "Generated ISO at "+a.Path(record.File))
	}
	var yours []string
	for _, h := range a.hosts {
		if h.failure == nil && !h.joined && !h.heard {
			h.image = a.record
			if h.group == nil {
				yours = append(yours, strings.TrimPrefix(called(h.NodeHost), "host "))
			}
		}
	}
	if len(yours) > 0 {
		event.Info(a.Sink, "Boot "+strings.Join(yours, ", ")+" from "+a.Path(a.record.File)+" before "+
			a.record.Expires.Format(time.RFC3339))
	}
	return nil
}

// keep writes what the directory keeps of the image. The caller has the lock.
func (a *adding) keep() {
	if err := agent.KeepNodeRecord(a.Env, a.record); err != nil {
		event.Warn(a.Sink, "How far the hosts are cannot be kept", "err", err)
	}
}

// result is the error that names all hosts that have not become nodes.
func (a *adding) result(followed error) error {
	var failed []string
	for _, h := range a.hosts {
		if h.failure == nil {
			continue
		}
		line := called(h.NodeHost) + ": " + strings.TrimPrefix(h.failure.Error(), called(h.NodeHost)+": ")
		if next := exit.Next(h.failure); next != "" {
			line += ". Next: " + next
		}
		failed = append(failed, "  "+line)
	}
	if len(failed) == 0 {
		return followed
	}
	return exit.With(exit.Install, "do what is said of each of them, then run "+a.Quoted("nodes add")+" again",
		fmt.Errorf("%d of %d hosts are not done:\n%s", len(failed), len(a.hosts), strings.Join(failed, "\n")))
}
