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

// Watcher follows the bootstrap host by SSH and tells what it does. It never
// fails: a host that does not answer is part of what it tells.
type Watcher struct {
	// Hosts finds the host's addresses; it is asked before each connection,
	// because a machine that just booted has none yet.
	Hosts func(ctx context.Context) ([]string, error)
	Port  string           // default 22
	SSH   sshclient.Config // without Addr
	Clock clock.Clock
	Sink  event.Sink
	// Every is the time between two looks, default 2 s.
	Every time.Duration

	mu      sync.Mutex
	status  Status
	silence string // why nothing could be seen, as last told
}

const (
	// perLook bounds one look, so that a connection that died is noticed.
	perLook = 10 * time.Second
	// maxLook bounds what one look may bring (bytes).
	maxLook = 4 << 20
)

// lookCommand prints the record files and failed units; it needs no root.
func lookCommand() string {
	var out strings.Builder
	out.WriteString("cd /var/log/openshift 2>/dev/null; for s in " + strings.Join(services, " ") +
		"; do echo '" + divider + "'$s; cat $s.json 2>/dev/null; echo; done; echo '" + divider + failedSection + "'; ")
	out.WriteString("systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1; true")
	return out.String()
}

// Look takes one look at the host: the record files by service, and the units
// that failed.
func (w *Watcher) Look(ctx context.Context) (files map[string][]byte, failed []string, err error) {
	client, err := w.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = client.Close() }()
	out, err := client.Output(ctx, lookCommand(), maxLook)
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

// Status is what was seen last.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Run watches until ctx ends or the host has done its part.
func (w *Watcher) Run(ctx context.Context) {
	every := w.Every
	if every == 0 {
		every = 2 * time.Second
	}
	for ctx.Err() == nil {
		err := w.connected(ctx, every)
		if err == nil || ctx.Err() != nil {
			return
		}
		w.unreachable(err)
		if w.Clock.Sleep(ctx, every) != nil {
			return
		}
	}
}

// connected looks until something breaks; nil means that all is done.
func (w *Watcher) connected(ctx context.Context, every time.Duration) error {
	client, err := w.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	for {
		lookCtx, cancel := context.WithTimeout(ctx, perLook)
		out, err := client.Output(lookCtx, lookCommand(), maxLook)
		cancel()
		if err != nil {
			return err
		}
		status := interpret(out)
		w.tell(status)
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
		cfg.Addr, cfg.Timeout = net.JoinHostPort(host, port), perLook/2
		client, err := sshclient.Dial(ctx, cfg)
		if err == nil {
			return client, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// tell repeats itself at every look: whoever shows it knows what is new.
func (w *Watcher) tell(s Status) {
	w.mu.Lock()
	w.status = s
	w.mu.Unlock()
	attrs := []any{"service", s.Service, "stage", s.Stage, "since", s.Since}
	if s.LastError != "" {
		attrs = append(attrs, "failures", s.Failures)
	}
	event.ProgressOf(w.Sink, s.String(), attrs...)
}

// unreachable keeps what was seen last: a host that has gone silent has still
// said why.
func (w *Watcher) unreachable(err error) {
	text := "bootstrap host: cannot look: " + err.Error()
	if errors.Is(err, sshclient.ErrHostKey) {
		text = "bootstrap host: another host answers at its address: " + err.Error()
	}
	w.mu.Lock()
	changed := w.silence != text
	w.silence = text
	w.mu.Unlock()
	if changed {
		event.Debug(w.Sink, text)
	}
}
