package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
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

// afterFailure leaves behind what helps to find out why the bootstrap failed.
func (c *creation) afterFailure(ctx context.Context, err error) {
	var failed *phase.Failed
	if errors.Is(err, ErrInterrupted) || !errors.As(err, &failed) {
		return
	}
	if failed.Phase != PhaseAPIAnswers && failed.Phase != PhaseBootstrapComplete {
		return
	}
	// The run's own context may have ended with the failure.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherBudget)
	defer cancel()
	if _, err := c.gather(ctx, GatherOptions{}); err != nil {
		event.Warn(c.app.Sink, "The log bundle is not complete", "err", err)
	}
}

// classify gives errors of the assets the exit code and the words that the
// reference has for them.
func classify(err error) error {
	var findings *report.Error
	var missing *asset.MissingError
	switch {
	case errors.As(err, &findings):
		return &Failure{Code: ExitInstallConfig, Next: "correct the fields above; `okd-install explain` comes with a later version, docs/user says what each means",
			Err: fmt.Errorf("failed to create install config: %d findings:\n%w", len(findings.Report.Lines(false)), err)}
	case errors.As(err, &missing):
		return &Failure{Code: ExitInstallConfig, Next: "write install-config.yaml there (install-config.example.yaml shows how), or name another directory with --dir",
			Err: fmt.Errorf("failed to create install config: %w", err)}
	}
	return err
}

// ReleaseOverride is the release image that the environment asks for.
func ReleaseOverride(getenv func(string) string) string {
	return strings.TrimSpace(getenv(envReleaseImage))
}
