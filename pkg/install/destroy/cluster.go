// Package destroy has the destroy commands: for a cluster, and for its bootstrap host.
package destroy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/seal"
)

// Options are the flags of the destroy commands.
type Options struct {
	// InfraID names the cluster; empty for that of the directory.
	InfraID string
	// DeleteForeignDisks makes it delete disks, too, that somebody else put into the cluster's machines.
	DeleteForeignDisks bool
	// HandedOver is what the user knows of whether the masters have taken over, for where nothing proves it.
	HandedOver handoff.Answer
	// TakeRunning switches machines off, where they are not made by the installer, although nothing proves that they
	// are the cluster's.
	TakeRunning bool
	// WipeDisks wipes the disks that machines which install themselves were installed to.
	WipeDisks bool
	// MediaAddress and Program are machines.Media.Address and the node agent for the image that wipes.
	MediaAddress, Program string
}

// Cluster is the command destroy cluster: it removes everything that belongs to the cluster from its platform, found
// by tag and name, and then the files that describe it. It needs no more than the infrastructure id. What the user
// wrote stays.
func Cluster(ctx context.Context, e *install.Env, o Options) (err error) {
	defer func() { err = afterInterruption(ctx, e, err) }()
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { _ = lock.Unlock() }()
	journal := e.Journal()
	defer func() { journal.End(e.Clock.Now(), err) }()
	key, err := e.StateKey()
	if err != nil {
		return err
	}
	cluster, err := e.Identify(o.InfraID)
	if err != nil {
		return err
	}
	journal.About(cluster)
	platform, err := e.Platforms.Find(cluster.Platform)
	if err != nil {
		return err
	}
	access, err := e.AccessTo(cluster.InfraID)
	if err != nil {
		return err
	}
	access.DeleteForeignDisks, access.TakeRunning = o.DeleteForeignDisks, o.TakeRunning
	access.Proved, access.Prove = journal.ProvedLately(cluster, e.Clock.Now()), journal.Prove
	untouched, err := neverStarted(e, key, cluster.InfraID)
	if err != nil {
		return err
	}
	access.Media.Address = o.MediaAddress
	yours := platform.ByHand || platform.SelfInstalling && (untouched || !startsHosts(access))
	if yours && !untouched && platform.SelfInstalling && access.Config == nil {
		return exit.New("name the directory of the installation with --dir; without it, switch the hosts off by hand",
			"which hosts cluster %s has is not known: there is neither its metadata.json nor its install-config.yaml",
			cluster.InfraID)
	}
	if o.WipeDisks && (yours || !platform.SelfInstalling) {
		return exit.New("run the same command without --wipe-disks", "--wipe-disks is for hosts that this installer has "+
			"started through their BMCs, and cluster %s has none", cluster.InfraID)
	}
	if !yours && platform.Complete != nil {
		if err := platform.Complete(&access); err != nil {
			return err
		}
	}
	connected, err := platform.Connect(ctx, access)
	if err != nil {
		return err
	}
	event.Info(e.Sink, "Destroying cluster "+cluster.InfraID)
	if yours {
		event.Info(e.Sink, "The machines of cluster "+cluster.InfraID+" are yours: this installer made none, and "+
			"removes none. Switch them off and wipe their disks; then take the cluster's names out of DNS and its "+
			"machines out of the load balancer")
	}
	if !yours || platform.ByHand {
		r := removal{e, o, access, key, cluster.InfraID}
		if err := r.run(ctx, connected); err != nil {
			return err
		}
	}
	journal.Destroyed()
	if err := forget(e, key, cluster.InfraID); err != nil {
		return fmt.Errorf("remove the files of the destroyed cluster: %w", err)
	}
	switch {
	case yours:
	case o.WipeDisks:
		event.Info(e.Sink, "The hosts of cluster "+cluster.InfraID+" are off, and have no media any more. The disks that "+
			"they were installed to are wiped; others are as they were")
	case platform.SelfInstalling:
		event.Info(e.Sink, "The hosts of cluster "+cluster.InfraID+" are off, and have no media any more. What is on their "+
			"disks stays: wipe them before others get them; --wipe-disks would have")
	default:
		event.Info(e.Sink, "Nothing of cluster "+cluster.InfraID+" is left")
	}
	event.Info(e.Sink, "Uninstallation complete!")
	return nil
}

// neverStarted reports whether the state says that no machine of the cluster was started by the installer.
func neverStarted(e *install.Env, key *seal.Key, infraID string) (bool, error) {
	meta, err := assets.StoredMetadata(e.Dir, key)
	if err != nil || meta.InfraID != infraID {
		return false, nil // the state does not say
	}
	past, err := e.Past(infraID)
	return !past.Started, err
}

// startsHosts reports whether hosts of the cluster are known that the installer can start and stop.
func startsHosts(a machines.Access) bool {
	return a.Config != nil && len(a.Config.NamedMachines()) > 0 || bytes.Contains(a.Metadata, []byte(`"hosts"`))
}

// forget removes the files that describe a destroyed cluster, unless those of the directory are of another one.
func forget(e *install.Env, key *seal.Key, infraID string) error {
	if !e.Describes(infraID, key) {
		return nil
	}
	err := assets.Forget(e.Dir, key)
	if kept := os.Remove(e.Path(install.PlanFile)); kept != nil && !errors.Is(kept, fs.ErrNotExist) {
		err = errors.Join(err, kept)
	}
	return err
}

func afterInterruption(ctx context.Context, e *install.Env, err error) error {
	if err == nil || !exit.IsInterrupted(ctx) {
		return err
	}
	return &install.Interrupted{Err: err, Lines: []string{
		"Interrupted. What is left of the cluster is found again by its tags.",
		"Go on:   " + e.Self() + " " + e.Command,
	}}
}
