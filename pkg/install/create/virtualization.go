package create

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// VirtualizationOptions are the flags of create virtualization-config.
type VirtualizationOptions struct {
	Options
	Overwrite bool // ask although there is a file
}

// VirtualizationConfig is the command create virtualization-config: it checks virtualization.yaml, or asks for one on a
// terminal.
func VirtualizationConfig(ctx context.Context, e *install.Env, o VirtualizationOptions) (err error) {
	opening, err := e.OfAnyKind(o.Opening)
	if err != nil {
		return err
	}
	inst, err := e.Open(opening)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	if err := releases.Pin(ctx, e, o.Release, inst, false); err != nil {
		return err
	}
	cluster, known, err := clusterOf(ctx, inst)
	if err != nil {
		return e.Explain(err)
	}
	data, err := workdir.Unlocked(e.Dir).Read(virtualization.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return askForVirtualization(ctx, e, cluster, false)
	case err != nil:
		return err
	case o.Overwrite:
		return askForVirtualization(ctx, e, cluster, true)
	}
	config, found := virtualization.Load(e.Path(virtualization.File), data)
	if config != nil && known {
		loaded := found
		_, found = config.Fit(e.Path(virtualization.File), cluster)
		found.Include(loaded)
	}
	for _, line := range found.Lines(true) {
		event.Warn(e.Sink, line)
	}
	if err := found.Err(); err != nil {
		return e.Explain(err)
	}
	fits := "It fits the cluster of " + install.ConfigFile
	if !known {
		fits = "Whether it fits a cluster was not checked, because there is no " + install.ConfigFile
	}
	event.Info(e.Sink, e.Path(virtualization.File)+" is valid. "+fits)
	return nil
}

// clusterOf is what the install-config says of the cluster, and whether there is one.
func clusterOf(ctx context.Context, inst *assets.Installer) (k virtualization.Cluster, known bool, err error) {
	config, err := inst.Config(ctx)
	if missing := (*asset.MissingError)(nil); errors.As(err, &missing) {
		return k, false, nil
	}
	if err != nil {
		return k, false, err
	}
	pin, err := inst.Pin()
	return virtualization.ClusterOf(config, pin.Version), true, err
}

func askForVirtualization(ctx context.Context, e *install.Env, k virtualization.Cluster, overwrite bool) error {
	path := e.Path(virtualization.File)
	if e.Asker == nil {
		what := "there is no " + path
		if overwrite {
			what = "cannot write " + path + " anew"
		}
		return exit.New("write "+path+" (docs/user/examples/virtualization/virtualization.yaml shows how), or run the "+
			"command at a terminal", "%s, and there is no terminal to ask at", what)
	}
	event.Info(e.Sink, "These questions make "+path+". Ctrl-C ends them and leaves nothing behind")
	text, err := (&wizard.Virtualization{Ask: e.Asker, Cluster: k}).Run(ctx)
	switch {
	case errors.Is(err, wizard.ErrInterrupted):
		return fmt.Errorf("%w at a question: nothing was written", exit.ErrInterrupted)
	case err != nil:
		return fmt.Errorf("ask for %s: %w", virtualization.File, err)
	}
	if overwrite {
		err = workdir.WriteFile(path, text, 0o600)
	} else {
		err = atomicfile.Create(path, 0o600, func(f *os.File) error {
			_, err := f.Write(text)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	event.Info(e.Sink, "Virtualization-Config created in: "+path)
	return nil
}
