package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// watchBootstrap tells, until ctx ends, what the bootstrap host is doing.
func (c *creation) watchBootstrap(ctx context.Context, sink event.Sink) {
	w := &bootstrap.Watcher{
		Hosts: func(ctx context.Context) ([]string, error) { return c.bootstrapHosts(ctx) },
		SSH:   c.ssh(),
		Clock: c.app.Clock,
		Sink:  sink,
	}
	go w.Run(ctx)
}

func (c *creation) ssh() sshclient.Config {
	return sshclient.Config{
		Keys:    [][]byte{c.cluster.SSH.User.PrivatePEM},
		HostKey: c.cluster.SSH.Host.AuthorizedKey,
	}
}

// bootstrapHosts are the addresses at which the bootstrap host may be: what the
// user says, what the platform says, and the API's virtual address, which it
// holds until the masters take over.
func (c *creation) bootstrapHosts(ctx context.Context) ([]string, error) {
	var hosts []string
	if ip := c.app.Getenv(envBootstrapIP); ip != "" {
		hosts = append(hosts, ip)
	}
	found, err := c.machines(ctx)
	hosts = append(hosts, addressesOf(found, "bootstrap")...)
	for _, vip := range c.cluster.Config.APIVIPs() {
		hosts = append(hosts, vip.String())
	}
	if len(hosts) > 0 {
		return hosts, nil
	}
	return nil, err
}

func (c *creation) machines(ctx context.Context) ([]machines.Machine, error) {
	return c.provider(event.Discard).Machines(ctx, c.cluster.InfraID)
}

func addressesOf(found []machines.Machine, role string) []string {
	var out []string
	for _, m := range found {
		if m.Role != role {
			continue
		}
		for _, addr := range m.Addresses {
			out = append(out, addr.String())
		}
	}
	return out
}

// gatherBudget bounds the collection of logs after a failure.
const gatherBudget = 5 * time.Minute

// afterFailure says why it failed, in one line, and leaves behind what helps to
// find out more.
func (c *creation) afterFailure(ctx context.Context, err error) {
	var failed *phase.Failed
	if errors.Is(err, exit.ErrInterrupted) || !errors.As(err, &failed) {
		return
	}
	// The run's own context may have ended with the failure.
	ctx = context.WithoutCancel(ctx)
	if over, _ := c.handedOver(ctx); over && failed.Phase.Name == phases.APIAnswers.Name {
		return // there is no bootstrap to look into
	}
	switch failed.Phase.OnFailure {
	case phase.Bundle:
		if path := c.gatherNow(ctx); path != "" {
			r, err := analyze.Bundle(ctx, path)
			c.app.explain(r, err, "--file "+path)
		}
	case phase.Diagnose:
		c.app.diagnose(ctx, c.api, err)
	case phase.Nothing:
	}
}

// gatherNow makes a bundle of what there is and returns its path; not to get
// one is no failure.
func (c *creation) gatherNow(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, gatherBudget)
	defer cancel()
	path, err := c.gather(ctx)
	if err != nil {
		event.Warn(c.app.Sink, "The log bundle is not complete", "err", err)
	}
	return path
}

// lookBudget bounds the look at the platform after an interruption: somebody
// waits for the prompt.
const lookBudget = 15 * time.Second

// existing names what there is of the cluster on its platform.
func (c *creation) existing(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookBudget)
	defer cancel()
	p, err := c.plan(ctx)
	if err != nil {
		return nil // without a plan nothing was made
	}
	diff, err := c.provider(event.Discard).Diff(ctx, p)
	if err != nil {
		event.Debug(c.app.Sink, "look for what is left", "err", err)
		return []string{"unknown: the platform does not say"}
	}
	var out []string
	add := func(kind plan.Kind, name string) { out = append(out, string(kind)+" "+name) }
	for _, o := range diff.Match {
		// What exists for the making of something else may be gone already.
		if !o.Existing && o.Until == "" {
			add(o.Kind, o.Name)
		}
	}
	for _, o := range diff.Differ {
		add(o.Object.Kind, o.Object.Name)
	}
	for _, o := range diff.Destroy {
		add(o.Kind, o.Name)
	}
	return out
}

// classify gives errors of the assets the exit code and the words that the
// reference has for them, and says what to do next.
func (a *App) classify(err error) error {
	var findings *report.Error
	var missing *asset.MissingError
	var locked *asset.LockedError
	switch {
	case errors.As(err, &findings):
		count := "1 finding"
		if n := len(findings.Report.Lines(false)); n != 1 {
			count = fmt.Sprintf("%d findings", n)
		}
		return exit.With(exit.InstallConfig,
			"correct the fields named above (`"+a.self()+" explain installconfig` says what each of them means) "+
				"and run the same command again",
			fmt.Errorf("failed to create install config: %s:\n%w", count, err))
	case errors.As(err, &missing):
		// Not what a file says is wrong, but that nobody was there to be asked.
		next := a.writeConfig()
		if _, err := os.Stat(a.path("manifests/cluster-config.yaml")); err == nil {
			next += "; " + a.path("manifests/cluster-config.yaml") + " has a copy without the pull secret"
		}
		return exit.New(next, "failed to fetch Install Config: %w", err)
	case errors.As(err, &locked):
		return exit.With(exit.Other, a.command("status"), err)
	case errors.Is(err, assets.ErrNoReleaseImage):
		return exit.With(exit.Other, "export "+envReleaseImage+"=<pull spec of an OKD release>", err)
	}
	return err
}

// writeConfig is the next step of somebody who has no install-config.
func (a *App) writeConfig() string {
	return "write " + a.path(configFile) + " (install-config.example.yaml shows how), or name another directory with --dir"
}

// ReleaseOverride is the release image that the environment asks for.
func ReleaseOverride(getenv func(string) string) string {
	return strings.TrimSpace(getenv(envReleaseImage))
}
