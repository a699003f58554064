//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/phases"
)

// TestMetalProfiles takes a host of every vendor to the point where its live system has reported in and its medium is
// out, and removes what is there by then. The media are read over HTTP, which all of the vendors can do.
func TestMetalProfiles(t *testing.T) {
	profiles := vendor.Names()
	a := newMetal(t, "metal-profiles", metalSize(len(profiles)-3), profiles[0], profiles[1:]...)
	create := a.create(t, "--media-address", "http://"+network.Provisioner.String())
	step(t, "Registered", func(t *testing.T) {
		took := eventually(t, 2*installBudget, func() string {
			select {
			case <-create.ended:
				t.Fatalf("%s ended with exit code %d:\n%s", create, create.code, last(create.stderr.String(), 30))
			default:
			}
			return a.reportedIn(t, create)
		})
		measured(t, "metal: hosts of %d vendors have registered after %.0f s", len(profiles), took.Seconds())
		if now := create.now(t); now != phases.AgentHosts.Name {
			t.Logf("the installation is in phase %s by now", now)
		}
	})
	step(t, "Interrupted", func(t *testing.T) {
		create.signal(syscall.SIGINT)
		if code := create.end(t, time.Since(create.started)+time.Minute); code != exit.Interrupted {
			t.Errorf("exit code %d, want %d", code, exit.Interrupted)
		}
		a.noMedia(t)
		a.noSessions(t)
	})
	step(t, "Destroy", func(t *testing.T) {
		a.destroyedUnproved(t)
		a.noSessions(t)
	})
}

// reportedIn is which hosts have not registered with the service, or have a medium; empty if there are none.
func (a *agents) reportedIn(t *testing.T, r *run) string {
	t.Helper()
	said := r.stderr.String()
	var missing []string
	for _, h := range a.inRack(t) {
		switch {
		case !strings.Contains(said, "Host "+h.Name+" has registered"):
			missing = append(missing, h.Name+" ("+h.BMC.Profile+") has not registered")
		case h.Media != "" || h.Once != "":
			missing = append(missing, h.Name+" ("+h.BMC.Profile+") has a medium or an override")
		}
	}
	return strings.Join(missing, "; ")
}
