package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// Watcher polls the bootstrap host over SSH and reports its status. It goes on polling a host that does not answer.
type Watcher struct {
	// Hosts finds the host's addresses. It is called before each connection: a booting machine has none yet.
	Hosts func(ctx context.Context) ([]string, error)
	Port  string           // default 22
	SSH   sshclient.Config // without Addr
	Clock clock.Clock
	Sink  event.Sink
	// Every is the polling interval, default 2 s.
	Every time.Duration
}

const (
	// lookTimeout limits one look, so that a dead connection is noticed.
	lookTimeout = 10 * time.Second
	// maxOutput limits the output of lookCommand (bytes).
	maxOutput = 4 << 20
)

// lookCommand prints the record files and the failed units. It does not need root.
func lookCommand() string {
	return "cd /var/log/openshift 2>/dev/null; for s in " + strings.Join(services, " ") +
		"; do echo '" + sectionPrefix + "'$s; cat $s.json 2>/dev/null; echo; done; " +
		"echo '" + sectionPrefix + failedSection + "'; " +
		"systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1; true"
}

// Look reads the record files of the host, by service, and the units that failed.
func (w *Watcher) Look(ctx context.Context) (files map[string][]byte, failed []string, err error) {
	client, err := w.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = client.Close() }()
	out, err := client.Output(ctx, lookCommand(), maxOutput)
	if err != nil {
		return nil, nil, err
	}
	files = split(out)
	failed = strings.Fields(string(files[failedSection]))
	delete(files, failedSection)
	for service, raw := range files {
		if len(strings.TrimSpace(string(raw))) == 0 {
			delete(files, service) // it has not run
		}
	}
	return files, failed, nil
}

// Run watches until the host is done or ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	every := cmp.Or(w.Every, 2*time.Second)
	last := ""
	for ctx.Err() == nil {
		err := w.poll(ctx, every)
		if err == nil || ctx.Err() != nil {
			return
		}
		text := "bootstrap host: not reachable: " + err.Error()
		if errors.Is(err, sshclient.ErrHostKey) {
			text = "bootstrap host: another host answers at its address: " + err.Error()
		}
		if text != last {
			last = text
			event.Debug(w.Sink, text)
		}
		if w.Clock.Sleep(ctx, every) != nil {
			return
		}
	}
}

// poll polls over one connection until an error; it returns nil if the host is done.
func (w *Watcher) poll(ctx context.Context, every time.Duration) error {
	client, err := w.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	for {
		lookCtx, cancel := context.WithTimeout(ctx, lookTimeout)
		out, err := client.Output(lookCtx, lookCommand(), maxOutput)
		cancel()
		if err != nil {
			return err
		}
		status := interpret(out)
		attrs := []any{"service", status.Service, "stage", status.Stage, "since", status.Since}
		if status.LastError != "" {
			attrs = append(attrs, "failures", status.Failures)
		}
		event.ProgressOf(w.Sink, status.String(), attrs...) // sinks drop repetitions
		if status.Done {
			return nil
		}
		if err := w.Clock.Sleep(ctx, every); err != nil {
			return err
		}
	}
}

func (w *Watcher) dial(ctx context.Context) (*sshclient.Client, error) {
	hosts, err := w.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		return nil, errors.New("it has no address yet")
	}
	cfg := w.SSH
	cfg.Timeout = lookTimeout / 2
	return sshclient.DialAny(ctx, cfg, cmp.Or(w.Port, "22"), hosts)
}
