package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/rollout"
)

func (a *App) watcher(api *kube.Client) *handoff.Watcher {
	return &handoff.Watcher{API: api, Clock: a.Clock, Sink: a.Sink, Every: pollEvery}
}

// dial reads the administrator's kubeconfig of the directory.
func (a *App) dial() (*kube.Client, error) {
	data, err := a.readFile(kubeconfigFile, "name the directory of the installation with --dir; "+a.command("create ignition-configs")+" writes that file")
	if err != nil {
		return nil, err
	}
	return kube.Dial(data)
}

// waiting runs phases of a wait-for command, and then what is to be kept of
// them. It may go on beside another run, but then journal and state are that
// run's.
func (a *App) waiting(ctx context.Context, phases []phase.Phase, keep func(*asset.DirLock) error) error {
	work := func(j *phase.Journal) error {
		return (&phase.Runner{Clock: a.Clock, Sink: a.Sink, Journal: j, Timeout: a.Options.Timeout}).Run(ctx, phases)
	}
	lock, err := asset.Lock(a.Dir, a.locking())
	if locked := (*asset.LockedError)(nil); errors.As(err, &locked) {
		return work(nil)
	}
	if err != nil {
		return a.classify(err)
	}
	defer func() { _ = lock.Unlock() }()
	if err := a.journaled(work); err != nil {
		return err
	}
	return keep(lock)
}

// WaitForBootstrap waits until the bootstrap host can be removed.
func (a *App) WaitForBootstrap(ctx context.Context) error {
	started := a.Clock.Now()
	api, err := a.dial()
	if err != nil {
		return err
	}
	at := func(sink event.Sink) *handoff.Watcher {
		w := a.watcher(api)
		w.Sink = sink
		return w
	}
	err = a.waiting(ctx, []phase.Phase{
		{Name: PhaseAPIAnswers, Help: "wait for the Kubernetes API at " + api.URL(), Budget: budgetAPI, Next: a.nextWait(),
			Run: func(ctx context.Context, sink event.Sink) error {
				version, err := at(sink).Answers(ctx)
				if err == nil {
					event.Info(sink, "API "+version+" up")
				}
				return err
			}},
		{Name: PhaseBootstrapComplete, Help: "wait for the masters to take over", Budget: budgetBootstrap, Next: a.nextWait(),
			Run: func(ctx context.Context, sink event.Sink) error {
				w := at(sink)
				if err := w.BootstrapComplete(ctx); err != nil {
					return err
				}
				return w.EtcdMoved(ctx)
			}},
	}, a.rememberOwn)
	if err != nil {
		a.diagnose(ctx, api, err)
		return err
	}
	event.Info(a.Sink, "It is now safe to remove the bootstrap resources")
	a.elapsed(started)
	return nil
}

// WaitForInstall waits until the cluster has installed itself. Where this
// installer made the machines, it approves their certificates meanwhile;
// elsewhere it says which certificates wait for the user.
func (a *App) WaitForInstall(ctx context.Context) error {
	started := a.Clock.Now()
	api, err := a.dial()
	if err != nil {
		return err
	}
	password, err := a.password()
	if err != nil {
		return err
	}
	a.Hide(password)
	approver, err := a.storedApprover(api)
	if err != nil {
		return err
	}
	approving, cancel := context.WithCancel(ctx)
	defer cancel()
	go approver.Run(approving)
	err = a.waiting(ctx, []phase.Phase{{
		Name: PhaseClusterComplete, Help: "wait for the cluster to install itself", Budget: budgetInstall, Next: a.nextCluster(),
		Run: func(ctx context.Context, sink event.Sink) error {
			w := &rollout.Watcher{API: api, Clock: a.Clock, Sink: sink, Every: pollEvery, Settle: rollout.DefaultSettle}
			return a.installComplete(ctx, w, sink, password)
		},
	}}, func(*asset.DirLock) error { return nil })
	if err != nil {
		a.diagnose(ctx, api, err)
		return err
	}
	a.elapsed(started)
	return nil
}

// elapsed is the last line of a command that waited.
func (a *App) elapsed(since time.Time) {
	event.Info(a.Sink, "Time elapsed: "+a.Clock.Now().Sub(since).Round(time.Second).String())
}

// storedApprover approves the nodes that the state knows, if this installer has
// made their machines. Otherwise it asks, unless it is told to let nodes join.
func (a *App) storedApprover(api *kube.Client) (*handoff.Approver, error) {
	key, err := a.stateKey()
	if err != nil {
		return nil, err
	}
	nodes, networks, err := assets.StoredNodes(a.Dir, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, a.classify(err)
	}
	approver := &handoff.Approver{Watcher: a.watcher(api), Networks: networks}
	meta, err := a.identify("")
	switch {
	case err == nil && platformOf(meta) == ovirtconfig.Name && len(nodes) > 0:
		approver.Nodes = nodes
	case a.Options.ApproveCSRs && len(networks) == 0:
		return nil, &Failure{Code: ExitOther, Next: "approve the requests with `oc adm certificate approve`",
			Err: fmt.Errorf("--approve-csrs needs the machine networks, which the state in %s does not have", a.Dir)}
	default:
		approver.AnyNode, approver.Ask = true, !a.Options.ApproveCSRs
	}
	return approver, nil
}

// Leftovers says, after an interruption, what exists and how to go on.
func (a *App) Leftovers() []string {
	switch a.doing {
	case looking:
		return []string{"Interrupted. Run the same command again to go on."}
	case destroying:
		return []string{"Interrupted. What is left of the cluster is found again by its tags.", "Go on:   " + a.self() + " " + a.Command}
	}
	var meta assets.Metadata
	data, err := os.ReadFile(a.path(metadataFile))
	if err != nil || json.Unmarshal(data, &meta) != nil {
		return []string{"Interrupted before anything was created."}
	}
	lines := []string{fmt.Sprintf("Interrupted. Cluster %s is left as it is; its files are in %s.", meta.InfraID, a.Dir)}
	if runs, _ := phase.ReadJournal(a.Dir); len(runs) > 0 {
		if n := len(runs[len(runs)-1].Phases); n > 0 {
			lines = append(lines, "It stopped in phase "+runs[len(runs)-1].Phases[n-1].Name+".")
		}
	}
	if len(a.left) > 0 {
		lines = append(lines, "Left:    "+strings.Join(a.left, ", "))
	}
	return append(lines,
		"Go on:   "+a.command("create cluster"),
		"Look:    "+a.command("status"),
		"Remove:  "+a.command("destroy cluster"))
}
