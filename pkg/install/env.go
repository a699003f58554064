// Package install is what the commands of the installer share: the environment of a run, and the directory of an
// installation. Each command is a package below this one; steps are the phases that commands go through.
package install

import (
	"cmp"
	"encoding/json"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// poll is how often waits look at the cluster.
const poll = time.Second

// Env is what every command works with.
type Env struct {
	Dir     string // of the installation
	Clock   clock.Clock
	Sink    event.Sink // people and the log file see what goes here
	Stdout  io.Writer  // data only
	Getenv  func(string) string
	Program string // as the user calls it; default okd-install
	Command string // as typed, for the journal
	// StateKeyFile is the file with the key of the state that the user named.
	StateKeyFile string
	Asker        wizard.Asker   // puts questions to the person at the terminal, nil without one
	Platforms    platforms.List // that clusters can be on

	secrets secrets
}

// Self is how the user calls this program, which may be by another name.
func (e *Env) Self() string { return cmp.Or(e.Program, "okd-install") }

// Typed is a command that can be pasted, for the directory of this run.
func (e *Env) Typed(words string) string {
	if e.Dir == "" || e.Dir == "." {
		return e.Self() + " " + words
	}
	return e.Self() + " " + words + " --dir " + e.Dir
}

// Quoted is Typed for use within a sentence.
func (e *Env) Quoted(words string) string { return "`" + e.Typed(words) + "`" }

// Path is a file of the directory.
func (e *Env) Path(name string) string { return filepath.Join(e.Dir, name) }

// Runner goes through phases in this run. A timeout replaces their budgets.
func (e *Env) Runner(j *phase.Journal, timeout time.Duration) *phase.Runner {
	return &phase.Runner{Clock: e.Clock, Sink: e.Sink, Journal: j, Timeout: timeout, Typed: e.Typed}
}

// Watcher polls a cluster; sink is told what it waits for.
func (e *Env) Watcher(api *kube.Client, sink event.Sink) kube.Watcher {
	return kube.Watcher{API: api, Clock: e.Clock, Sink: sink, Every: poll}
}

// WriteJSON writes data for programs.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Elapsed is the last line of a command that waited.
func (e *Env) Elapsed(since time.Time) {
	event.Info(e.Sink, "Time elapsed: "+e.Clock.Now().Sub(since).Round(time.Second).String())
}

// Access is what a platform logs in with.
func (e *Env) Access() machines.Access {
	return machines.Access{Clock: e.Clock, Sink: e.Sink, Getenv: e.Getenv, Hide: e.Hide, Lookup: LookUp,
		Password: e.password}
}

// secrets are those of a run, as they become known, so that no log line, error or event shows one.
type secrets struct {
	mu   sync.Mutex
	list []secret.String
	r    *secret.Redactor
}

// Hide keeps the given secrets out of everything that is logged from now on.
func (e *Env) Hide(values ...secret.String) {
	e.secrets.mu.Lock()
	defer e.secrets.mu.Unlock()
	e.secrets.list = append(e.secrets.list, values...)
	e.secrets.r = secret.NewRedactor(e.secrets.list...)
}

// Clean replaces every secret of this run in text.
func (e *Env) Clean(text string) string {
	e.secrets.mu.Lock()
	defer e.secrets.mu.Unlock()
	if e.secrets.r == nil {
		return text
	}
	return e.secrets.r.Clean(text)
}
