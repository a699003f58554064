// Package agent has the commands of agent-based installations, whose hosts register
// themselves.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Options are the flags of the commands.
type Options struct {
	install.Opening
	Release releases.Options
}

// ConfigTemplate is the command agent create agent-config-template: it writes an
// agent-config.yaml in which every field is a comment. It replaces no file.
func ConfigTemplate(_ context.Context, e *install.Env) (err error) {
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	path := e.Path(agent.File)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return exit.New("edit that file, or move it away to get the template",
			"write %s: there is one already, which is kept", path)
	}
	if err != nil {
		return fmt.Errorf("write the template: %w", err)
	}
	_, err = f.Write(data.AgentConfig())
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the template: %w", err), os.Remove(path))
	}
	event.Info(e.Sink, "Agent-Config-Template created in: "+e.Dir)
	return nil
}

// ClusterManifests is the command agent create cluster-manifests: it writes
// cluster-manifests/ and mirror/, or checks those that the user wrote instead of an
// install-config.yaml.
func ClusterManifests(ctx context.Context, e *install.Env, o Options) error {
	o.AgentBased = true
	inst, err := e.Open(o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	given, err := inst.GivenManifests(ctx)
	if err != nil {
		return explain(e, err)
	}
	if given {
		event.Info(e.Sink, "There is no "+e.Path(install.ConfigFile)+": the manifests in "+
			e.Path(clustermanifests.Dir)+" are valid and define the cluster")
		return nil
	}
	if err := releases.Pin(ctx, e, o.Release, inst, true); err != nil {
		return recode(e, err)
	}
	if err := inst.ClusterManifests(ctx); err != nil {
		return explain(e, err)
	}
	event.Info(e.Sink, "Cluster-Manifests created in: "+e.Path(clustermanifests.Dir)+" and "+
		e.Path(clustermanifests.MirrorDir))
	return nil
}

// explain is install.Env.Explain for these commands.
func explain(e *install.Env, err error) error { return recode(e, e.Explain(err)) }

// recode changes the exit code of findings, which have been explained: as with
// openshift-install, only an install-config.yaml that cannot be read has one of its own.
func recode(e *install.Env, err error) error {
	var found *report.Error
	if !errors.As(err, &found) {
		return err
	}
	what, next := "agent configuration", "correct the fields named above and run the same command again"
	switch {
	case found.Report.File == install.ConfigFile && found.Report.Unread:
		return e.Explain(found)
	case found.Report.File == install.ConfigFile:
		what = "install-config configuration"
	case found.Report.File == agent.File:
		what = "Agent Config configuration"
	}
	count := len(found.Report.Lines(false))
	number := fmt.Sprintf("%d findings", count)
	if count == 1 {
		number = "1 finding"
	}
	return exit.With(exit.Other, next, fmt.Errorf("invalid %s: %s:\n%w", what, number, found))
}
