package bootstrap

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// Watcher polls the bootstrap host over SSH and reports its status. A host that
// does not answer is no error; it is polled again.
type Watcher struct {
	// Hosts finds the host's addresses. It is called before each connection,
	// because a machine that is booting has none yet.
	Hosts func(ctx context.Context) ([]string, error)
	Port  string           // default 22
	SSH   sshclient.Config // without Addr
	Clock clock.Clock
	Sink  event.Sink
	// Every is the polling interval, default 2 s.
	Every time.Duration

	mu          sync.Mutex
	status      Status
	unreachable string // why the host could not be reached, as last reported
}

const (
	// lookTimeout limits one look, so that a dead connection is noticed.
	lookTimeout = 10 * time.Second
	// maxOutput limits the output of lookCommand (bytes).
	maxOutput = 4 << 20
)

// lookCommand prints the record files and the failed units. It does not need
// root.
func lookCommand() string {
	var out strings.Builder
	out.WriteString("cd /var/log/openshift 2>/dev/null; for s in " + strings.Join(services, " ") +
		"; do echo '" + sectionPrefix + "'$s; cat $s.json 2>/dev/null; echo; done; ")
	out.WriteString("echo '" + sectionPrefix + failedSection + "'; ")
	out.WriteString("systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1; true")
	return out.String()
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

// Status returns the last status.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Run watches until the host is done or ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	every := w.Every
	if every == 0 {
		every = 2 * time.Second
	}
	for ctx.Err() == nil {
		err := w.poll(ctx, every)
		if err == nil || ctx.Err() != nil {
			return
		}
		w.reportUnreachable(err)
		if w.Clock.Sleep(ctx, every) != nil {
			return
		}
	}
}

// poll polls over one connection until an error; it returns nil if the host is
// done.
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
		w.report(status)
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
	port := w.Port
	if port == "" {
		port = "22"
	}
	var failures []error
	for _, host := range hosts {
		cfg := w.SSH
		cfg.Addr, cfg.Timeout = net.JoinHostPort(host, port), lookTimeout/2
		client, err := sshclient.Dial(ctx, cfg)
		if err == nil {
			return client, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// report emits the status of every look; sinks drop repetitions.
func (w *Watcher) report(s Status) {
	w.mu.Lock()
	w.status = s
	w.mu.Unlock()
	attrs := []any{"service", s.Service, "stage", s.Stage, "since", s.Since}
	if s.LastError != "" {
		attrs = append(attrs, "failures", s.Failures)
	}
	event.ProgressOf(w.Sink, s.String(), attrs...)
}

// reportUnreachable leaves the status as it is: what the host was doing last may
// be why it does not answer.
func (w *Watcher) reportUnreachable(err error) {
	text := "bootstrap host: not reachable: " + err.Error()
	if errors.Is(err, sshclient.ErrHostKey) {
		text = "bootstrap host: another host answers at its address: " + err.Error()
	}
	w.mu.Lock()
	changed := w.unreachable != text
	w.unreachable = text
	w.mu.Unlock()
	if changed {
		event.Debug(w.Sink, text)
	}
}
