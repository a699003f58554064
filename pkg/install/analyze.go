package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/types"
)

// AnalyzeOptions are the flags of analyze.
type AnalyzeOptions struct {
	File   string // log bundle; empty: the one in the directory
	Live   bool   // look at the installation even if there is a bundle
	HTML   string // file to write a page to
	Output string // text or json
	Width  int    // of the text, in characters
}

// Analyze finds out why an installation failed, or how far it is.
func (a *App) Analyze(ctx context.Context, o AnalyzeOptions) error {
	r, err := a.report(ctx, o)
	if err != nil {
		return err
	}
	r.Clean(a.Clean)
	if o.HTML != "" {
		var page bytes.Buffer
		if err := r.HTML(&page); err != nil {
			return fmt.Errorf("render the report: %w", err)
		}
		if err := asset.WriteFile(o.HTML, page.Bytes(), 0o600); err != nil {
			return err
		}
		event.Info(a.Sink, "Report written to "+o.HTML)
	}
	if o.Output == "json" {
		enc := json.NewEncoder(a.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.Text(a.Stdout, o.Width)
}

func (a *App) report(ctx context.Context, o AnalyzeOptions) (*analyze.Report, error) {
	if o.File != "" {
		return analyze.Bundle(ctx, o.File)
	}
	bundles, err := filepath.Glob(filepath.Join(escapeGlob(a.Dir), "log-bundle-*.tar.gz"))
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
	if _, err := os.Stat(a.path(phase.JournalName)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(a.path(kubeconfigFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, exit.New("name a log bundle with --file, or the directory of an installation with --dir",
				"there is no log bundle (log-bundle-*.tar.gz) in %s, and nothing was installed from it", a.Dir)
		}
	}
	return a.reportLive(ctx)
}

// escapeGlob keeps a directory's name from being taken for a pattern.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// liveLimit is how long API, platform and bootstrap host have to answer.
const liveLimit = 15 * time.Second

// reportLive analyzes the installation of the directory as it is now.
func (a *App) reportLive(ctx context.Context) (*analyze.Report, error) {
	live := analyze.Live{Dir: a.Dir, Limit: liveLimit, Now: a.Clock.Now()}
	var hosts []string
	if ip := a.Getenv(envBootstrapIP); ip != "" {
		hosts = append(hosts, ip)
	}
	if kubeconfig, err := os.ReadFile(a.path(kubeconfigFile)); err == nil {
		api, err := kube.Dial(kubeconfig)
		if err != nil {
			return nil, err
		}
		live.API = api
		if u, err := url.Parse(api.URL()); err == nil {
			hosts = append(hosts, u.Hostname()) // the bootstrap host has the API's address first
		}
	}
	stateKey, err := a.stateKey()
	if err != nil {
		return nil, err
	}
	if password, err := assets.StoredPassword(a.Dir, stateKey); err == nil {
		a.Hide(password)
	}
	if keys, err := assets.StoredSSH(a.Dir, stateKey); err == nil {
		ssh := sshclient.Config{Keys: [][]byte{keys.User.PrivatePEM}, HostKey: keys.Host.AuthorizedKey}
		live.Host = func(ctx context.Context) (analyze.Sight, error) {
			sight, err := a.sight(ctx, ssh, hosts)
			if err == nil {
				return sight, nil
			}
			found, _ := a.findHosts(ctx, live.API, &types.InstallConfig{}, nil)
			if len(found) == 0 {
				return sight, err
			}
			return a.sight(ctx, ssh, found)
		}
	}
	return analyze.Installation(ctx, live)
}

// sight takes one look at the bootstrap host.
func (a *App) sight(ctx context.Context, ssh sshclient.Config, hosts []string) (analyze.Sight, error) {
	w := &bootstrap.Watcher{SSH: ssh, Clock: a.Clock, Sink: event.Discard,
		Hosts: func(context.Context) ([]string, error) { return hosts, nil }}
	files, failed, err := w.Look(ctx)
	return analyze.Sight{Records: files, Failed: failed}, err
}

// explain says in one line what a report comes to, and where to read more.
func (a *App) explain(r *analyze.Report, err error, more string) {
	if err != nil {
		event.Warn(a.Sink, "The cause could not be looked for", "err", err)
		return
	}
	r.Clean(a.Clean)
	event.Error(a.Sink, "Cause: "+r.Cause)
	if r.Next != "" {
		event.Info(a.Sink, "What to do: "+r.Next)
	}
	event.Info(a.Sink, "Findings and a timeline: "+a.self()+" analyze "+more)
}
