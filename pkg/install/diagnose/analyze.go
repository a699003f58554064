package diagnose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// AnalyzeOptions are the flags of analyze.
type AnalyzeOptions struct {
	File   string // log bundle; empty: the one in the directory
	Live   bool   // look at the installation even if there is a bundle
	HTML   string // file to write a page to
	Output string // text or json
	Width  int    // of the text, in characters
}

// Analyze is the command analyze: it finds out why an installation failed, or how far it is.
func Analyze(ctx context.Context, e *install.Env, o AnalyzeOptions) error {
	r, err := report(ctx, e, o)
	if err != nil {
		return err
	}
	r.Clean(e.Clean)
	if o.HTML != "" {
		var page bytes.Buffer
		if err := r.HTML(&page); err != nil {
			return fmt.Errorf("render the report: %w", err)
		}
		if err := workdir.WriteFile(o.HTML, page.Bytes(), 0o600); err != nil {
			return err
		}
		event.Info(e.Sink, "Report written to "+o.HTML)
	}
	if o.Output == "json" {
		return install.WriteJSON(e.Stdout, r)
	}
	return r.Text(e.Stdout, o.Width)
}

func report(ctx context.Context, e *install.Env, o AnalyzeOptions) (*analyze.Report, error) {
	if o.File != "" {
		return analyze.Bundle(ctx, o.File)
	}
	bundles, err := filepath.Glob(filepath.Join(escapeGlob(e.Dir), "log-bundle-*.tar.gz"))
	if err != nil {
		return nil, err
	}
	switch {
	case o.Live:
	case len(bundles) == 1:
		return analyze.Bundle(ctx, bundles[0])
	case len(bundles) > 1:
		return nil, exit.New("name one of them with --file, or look at the installation as it is now with --live",
			"there are %d log bundles: %s", len(bundles), strings.Join(bundles, ", "))
	}
	if !exists(e.Path(phase.JournalName)) && !exists(e.Path(install.KubeconfigFile)) {
		return nil, exit.New("name a log bundle with --file, or the directory of an installation with --dir",
			"there is no log bundle (log-bundle-*.tar.gz) in %s, and nothing was installed from it", e.Dir)
	}
	return live(ctx, e)
}

// exists reports whether there is a file, or may be.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// escapeGlob keeps a directory's name from being taken for a pattern.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// liveLimit is how long API, platform and bootstrap host have to answer.
const liveLimit = 15 * time.Second

// live analyzes the installation of the directory as it is now.
func live(ctx context.Context, e *install.Env) (*analyze.Report, error) {
	look := analyze.Live{Dir: e.Dir, Limit: liveLimit, Now: e.Clock.Now()}
	api, _, err := e.DialIfAny()
	if err != nil {
		return nil, err
	}
	if api != nil {
		look.API = api
	}
	stateKey, err := e.StateKey()
	if err != nil {
		return nil, err
	}
	if password, err := assets.StoredPassword(e.Dir, stateKey); err == nil {
		e.Hide(password)
	}
	if keys, err := assets.StoredSSH(e.Dir, stateKey); err == nil {
		hosts := hostsOf(e, api, &types.InstallConfig{}, nil)
		look.Host = func(ctx context.Context) (analyze.HostState, error) {
			state, err := hostState(ctx, e, BootstrapLogin(keys), hosts.Guess())
			if err == nil {
				return state, nil
			}
			found := hosts.Find(ctx)
			found.warn(e)
			if len(found.Bootstrap) == 0 {
				return state, err
			}
			return hostState(ctx, e, BootstrapLogin(keys), found.Bootstrap)
		}
	}
	return analyze.Installation(ctx, look)
}

// hostState takes one look at the bootstrap host.
func hostState(ctx context.Context, e *install.Env, ssh sshclient.Config, hosts []string) (analyze.HostState, error) {
	w := &bootstrap.Watcher{
		SSH: ssh, Clock: e.Clock, Sink: event.Discard,
		Hosts: func(context.Context) ([]string, error) { return hosts, nil },
	}
	files, failed, err := w.Look(ctx)
	return analyze.HostState{Records: files, Failed: failed}, err
}
