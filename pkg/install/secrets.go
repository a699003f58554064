package install

import (
	"sync"

	"github.com/okd-install/okd-install/pkg/secret"
)

// secrets are those of a run, as they become known, so that no log line, error
// or event shows one.
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
