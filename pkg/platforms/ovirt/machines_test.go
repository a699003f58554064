package ovirt

import (
	"errors"
	"strings"
	"testing"
	"time"

	api "github.com/okd-install/okd-install/pkg/ovirt"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/secret"
)

// An engine that cannot be connected to is named, and the advice of the client is
// the next step.
func TestUnconnected(t *testing.T) {
	access := machines.Access{
		Clock: clock.NewFake(time.Unix(0, 0)), Sink: event.Discard, Hide: func(...secret.String) {},
		Getenv: func(key string) string { return map[string]string{"HOME": t.TempDir()}[key] },
	}
	if _, err := connect(t.Context(), access); err == nil || !strings.Contains(err.Error(), "ovirt-config.yaml") ||
		!strings.Contains(exit.Next(err), "OVIRT_CONFIG") {
		t.Errorf("no login: %v; next %q", err, exit.Next(err))
	}
	refused := unconnected("https://engine/ovirt-engine/api",
		&api.Error{Op: "log in to the engine", Kind: api.BadLogin, Detail: "incorrect", Advice: "check the password"})
	if refused.Error() != "engine https://engine/ovirt-engine/api: log in to the engine: login refused: incorrect" ||
		exit.Next(refused) != "check the password" || !api.Is(refused, api.BadLogin) {
		t.Errorf("%v; next %q", refused, exit.Next(refused))
	}
	if err := unconnected("https://engine", errors.New("broken")); exit.Next(err) == "" {
		t.Errorf("%v has no next step", err)
	}
}
