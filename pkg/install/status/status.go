// Package status has the command status: how far an installation is.
package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// Status is what is known of the cluster of a directory.
type Status struct {
	InfraID  string   `json:"infraID,omitempty"`
	Cluster  string   `json:"cluster,omitempty"`
	Version  string   `json:"version,omitempty"`
	Complete bool     `json:"complete"`
	API      string   `json:"api"`                // URL, or why it cannot be asked
	Problems []string `json:"problems,omitempty"` // what keeps it from being complete
	// Hosts says how far each host is where they install themselves.
	Hosts []string `json:"hosts,omitempty"`
	// Destroyed is the cluster of this directory that is gone.
	Destroyed string        `json:"destroyed,omitempty"`
	Phases    []PhaseStatus `json:"phases,omitempty"` // the last that is known of each
	LastRun   *LastRun      `json:"lastRun,omitempty"`
}

// PhaseStatus is one phase: how it ended, and how long it took over all runs that did any of it.
type PhaseStatus struct {
	Name    string       `json:"name"`
	Result  phase.Result `json:"result"`
	Seconds float64      `json:"seconds"`
	Detail  string       `json:"detail,omitempty"`
	// BudgetSeconds is how long a running phase may go on without progress, and LimitSeconds how long in all.
	BudgetSeconds float64 `json:"budgetSeconds,omitempty"`
	LimitSeconds  float64 `json:"limitSeconds,omitempty"`
}

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// LastRun is the newest entry of the journal.
type LastRun struct {
	Command string    `json:"command"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`

	interrupted bool
}

// Look is the command status: it reads the directory and asks the cluster for a few seconds. It changes nothing.
func Look(ctx context.Context, e *install.Env) (Status, error) {
	var s Status
	runs, err := phase.ReadJournal(e.Dir)
	if err != nil {
		event.Warn(e.Sink, fmt.Sprintf("%v; the next command that changes something puts it aside", err))
	}
	s.Phases, s.LastRun = summarize(runs)
	meta, err := e.Metadata()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s.InfraID, s.Cluster = meta.InfraID, meta.ClusterName
	if s.InfraID == "" {
		s.Destroyed = phase.LastDestroyed(runs).InfraID
	}
	api, missing, err := e.DialIfAny()
	if missing != nil {
		s.API = "no " + install.KubeconfigFile
	}
	if api == nil {
		return s, err
	}
	s.ask(ctx, e, api)
	if s.Complete {
		return s, nil
	}
	if agents, err := e.SelfInstalls(); err != nil || !agents {
		return s, err
	}
	if s.Hosts, err = agent.Look(ctx, e); err != nil {
		event.Debug(e.Sink, "the rendezvous host does not answer", "err", err)
	}
	return s, nil
}

// ask adds what the cluster says of itself.
func (s *Status) ask(ctx context.Context, e *install.Env, api *kube.Client) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s.API = api.URL()
	watcher := e.Watcher(api, event.Discard)
	w := &rollout.Watcher{Watcher: watcher}
	done, version, why, err := w.Version(ctx)
	if err != nil {
		s.Problems = append(s.Problems, fmt.Sprintf("ask %s: %s", api.URL(), kube.Cause(err)))
		return
	}
	s.Complete, s.Version = done, version
	if !done {
		s.Problems = append(s.Problems, why)
	}
	problems, err := w.Problems(ctx)
	if err != nil {
		problems = []string{err.Error()}
	}
	s.Problems = append(s.Problems, problems...)
	nodes, err := (&handoff.Watcher{Watcher: watcher}).Unready(ctx)
	if err != nil {
		nodes = []string{err.Error()}
	}
	s.Problems = append(s.Problems, nodes...)
}

// summarize reduces the runs of create cluster to what is known of each phase.
func summarize(runs []phase.Run) ([]PhaseStatus, *LastRun) {
	if len(runs) == 0 {
		return nil, nil
	}
	var order []string
	known := map[string]PhaseStatus{}
	for _, r := range phase.SinceDestroyed(runs) {
		for _, e := range r.Phases {
			s, seen := known[e.Name]
			if !seen {
				order = append(order, e.Name)
			}
			// "Already done" tells nothing of how the phase went when it was done.
			if !seen || e.Result != phase.Already {
				s.Name, s.Result, s.Detail = e.Name, e.Result, e.Detail
				s.BudgetSeconds, s.LimitSeconds = 0, 0
				if e.Result == phase.Running {
					s.BudgetSeconds, s.LimitSeconds = e.BudgetSeconds, e.LimitSeconds
				}
			}
			if e.Result != phase.Already {
				s.Seconds += e.Took().Seconds()
			}
			known[e.Name] = s
		}
	}
	out := []PhaseStatus{}
	for _, name := range order {
		out = append(out, known[name])
	}
	last := runs[len(runs)-1]
	return out, &LastRun{
		Command: last.Command, Started: last.Started, Ended: last.Ended, Error: last.Error,
		interrupted: last.Interrupted(),
	}
}

// Print writes s for a person.
func (s Status) Print(w io.Writer) error {
	if s.LastRun == nil && s.InfraID == "" {
		_, err := fmt.Fprintln(w, "Nothing has been installed from this directory.")
		return err
	}
	if s.InfraID == "" && s.Destroyed != "" && len(s.Phases) == 0 {
		_, err := fmt.Fprintf(w, "Cluster %s was destroyed. Last run: %s, %s\n", s.Destroyed, s.LastRun.Command,
			s.LastRun.outcome())
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	state := "not complete"
	if s.Complete {
		state = "complete"
	}
	fmt.Fprintf(t, "Cluster\t%s (%s)\n", cmp.Or(s.Cluster, "unknown"), cmp.Or(s.InfraID, "no infrastructure id"))
	fmt.Fprintf(t, "API\t%s\n", s.API)
	fmt.Fprintf(t, "Version\t%s, %s\n", cmp.Or(s.Version, "unknown"), state)
	if s.LastRun != nil {
		fmt.Fprintf(t, "Last run\t%s, %s\n", s.LastRun.Command, s.LastRun.outcome())
	}
	for _, h := range s.Hosts {
		fmt.Fprintf(t, "Host\t%s\n", kube.OneLine(h))
	}
	for _, p := range s.Problems {
		fmt.Fprintf(t, "Problem\t%s\n", kube.OneLine(p))
	}
	return errors.Join(t.Flush(), s.PrintPhases(w))
}

func (l *LastRun) outcome() string {
	switch {
	case l.interrupted:
		return kube.OneLine(l.Error)
	case l.Error != "":
		return "failed: " + kube.OneLine(l.Error)
	case l.Ended.IsZero():
		return "did not end: it is still running, or was killed"
	}
	return "ended well at " + l.Ended.UTC().Format(time.RFC3339)
}

// PrintPhases writes the time that each phase took.
func (s Status) PrintPhases(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	total := 0.0
	for _, p := range s.Phases {
		took := event.Elapsed(span(p.Seconds))
		if limits := event.Limits(span(p.LimitSeconds), span(p.BudgetSeconds)); limits != "" {
			took += "\t" + limits
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, p.Result, took)
		total += p.Seconds
	}
	if len(s.Phases) > 0 {
		fmt.Fprintf(t, "total\t\t%s\n", event.Elapsed(span(total)))
	}
	return t.Flush()
}
