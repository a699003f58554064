package redfish_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
)

type doc = redfishtest.Doc

func reset(how string) string { return "POST " + redfishtest.Reset + ` {"ResetType":"` + how + `"}` }

func TestPowerOn(t *testing.T) {
	r := newRig(t)
	r.Edit(redfishtest.System, doc{"PowerState": "Off"})
	b := r.connect(t)
	for range 2 { // again: nothing to do
		if err := b.PowerOn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	checkChanges(t, r, reset("On"))
}

func TestPowerOffGraceful(t *testing.T) {
	r := newRig(t)
	if err := r.connect(t).PowerOff(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, r, reset("GracefulShutdown"))
}

func TestPowerOffForced(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		r := newRig(t)
		if err := r.connect(t).PowerOff(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, reset("ForceOff"))
	})
	t.Run("the system does not shut down", func(t *testing.T) {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			ignored := q.Path == redfishtest.Reset && q.Body["ResetType"] == "GracefulShutdown"
			if ignored {
				w.WriteHeader(http.StatusNoContent)
			}
			return ignored
		})
		if err := r.connect(t).PowerOff(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, reset("GracefulShutdown"), reset("ForceOff"))
		if waited := r.clock.Now().Sub(time.Time{}); waited < time.Minute {
			t.Errorf("the system had %s to shut down", waited)
		}
	})
	t.Run("the BMC has no graceful shutdown", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, doc{"Actions": doc{"#ComputerSystem.Reset": doc{
			"ResetType@Redfish.AllowableValues": []any{"On", "ForceOff"},
		}}})
		if err := r.connect(t).PowerOff(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, reset("ForceOff"))
	})
}

// iDRACs refuse what is so already, and the state that was read may be old.
func TestPowerRefusedButSo(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusConflict} {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path != redfishtest.Reset {
				return false
			}
			r.Edit(redfishtest.System, doc{"PowerState": "Off"})
			redfishtest.Fail(w, status, "ActionNotSupported", "The server is already powered off.")
			return true
		})
		if err := r.connect(t).PowerOff(t.Context(), 0); err != nil {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
}

// iDRAC 10 refuses to power on for a minute after a power-off.
func TestPowerOnConflict(t *testing.T) {
	r := newRig(t)
	r.Edit(redfishtest.System, doc{"PowerState": "Off"})
	r.Refuse(http.MethodPost, redfishtest.Reset, 5, http.StatusConflict, "PSU501", "The host is powering down.")
	if err := r.connect(t).PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Changes()); n != 6 {
		t.Errorf("%d requests, want 6", n)
	}
}

func TestPowerOnConflictForEver(t *testing.T) {
	r := newRig(t)
	r.Edit(redfishtest.System, doc{"PowerState": "Off"})
	r.Refuse(http.MethodPost, redfishtest.Reset, -1, http.StatusConflict, "PSU501", "The host is powering down.")
	err := r.connect(t).PowerOn(t.Context())
	r.checkFails(t, err, redfish.Busy, "power on", "HTTP 409", "The host is powering down.", "try again")
	if waited := r.clock.Now().Sub(time.Time{}); waited < 90*time.Second || waited > 3*time.Minute {
		t.Errorf("it was tried for %s", waited)
	}
}

func TestPowerRefused(t *testing.T) {
	r := newRig(t)
	r.Refuse(http.MethodPost, redfishtest.Reset, -1, http.StatusBadRequest, "ActionParameterUnknown", "No such type.")
	err := r.connect(t).PowerOff(t.Context(), 0)
	r.checkFails(t, err, redfish.Refused, "power off", "No such type.")
	checkChanges(t, r, reset("ForceOff"))
}

// A request without an answer may have been done, so the state decides, and it is not sent again.
func TestPowerUnknownOutcome(t *testing.T) {
	for _, done := range []bool{true, false} {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path != redfishtest.Reset {
				return false
			}
			if done {
				r.Edit(redfishtest.System, doc{"PowerState": "Off"})
			}
			redfishtest.Fail(w, http.StatusInternalServerError, "InternalError", "Something broke.")
			return true
		})
		err := r.connect(t).PowerOff(t.Context(), 0)
		if done && err != nil {
			t.Errorf("it was done: %v", err)
		}
		if !done {
			r.checkFails(t, err, redfish.Unavailable, "Something broke.", "reset the BMC")
		}
		checkChanges(t, r, reset("ForceOff"))
	}
}

func TestPowerStuck(t *testing.T) {
	r := newRig(t)
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		if q.Path == redfishtest.Reset {
			w.WriteHeader(http.StatusNoContent)
		}
		return q.Path == redfishtest.Reset
	})
	err := r.connect(t).PowerOff(t.Context(), 0)
	r.checkFails(t, err, redfish.Stuck, "the machine is On after 5m0s instead of Off", "console")
}

func TestReset(t *testing.T) {
	tests := []struct {
		name    string
		state   string
		allowed []any
		want    []string
	}{
		{"on", "On", []any{"On", "ForceOff", "ForceRestart"}, []string{reset("ForceRestart")}},
		{"off", "Off", []any{"On", "ForceOff", "ForceRestart"}, []string{reset("On")}},
		{"power cycle only", "On", []any{"On", "ForceOff", "PowerCycle"}, []string{reset("PowerCycle")}},
		{"neither", "On", []any{"On", "ForceOff"}, []string{reset("ForceOff"), reset("On")}},
		{"not said", "On", nil, []string{reset("ForceRestart")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.Edit(redfishtest.System, doc{"PowerState": tt.state, "Actions": doc{"#ComputerSystem.Reset": doc{
				"ResetType@Redfish.AllowableValues": tt.allowed,
			}}})
			if err := r.connect(t).Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkChanges(t, r, tt.want...)
		})
	}
}

func TestPowerInterrupted(t *testing.T) {
	r := newRig(t)
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		if q.Path == redfishtest.Reset {
			w.WriteHeader(http.StatusNoContent)
		}
		return q.Path == redfishtest.Reset
	})
	b := r.connect(t)
	stop := errors.New("operator pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	r.clock.OnSleep = func() { cancel(stop) }
	if err := b.PowerOff(ctx, 0); !errors.Is(err, stop) {
		t.Errorf("error %v is not the interruption", err)
	}
	r.clock.OnSleep = nil
}
