package ovirt_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/ovirt"
)

// An engine that does not answer is reported within seconds, with the real settings.
func TestUnreachableEngineIsToldOfSoon(t *testing.T) {
	cfg := newStub(t, nil).config()
	cfg.URL = "https://127.0.0.1:1/ovirt-engine/api"
	started := time.Now()
	_, err := ovirt.Dial(t.Context(), cfg, ovirt.Options{Poll: time.Second})
	if took := time.Since(started); !ovirt.Is(err, ovirt.Unreachable) || took > 5*time.Second || took < 2*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}

// The SDK opens a connection for each request; all but the first resume the
// session of TLS.
func TestConnectionsResume(t *testing.T) {
	var whole, resumed atomic.Int32
	s := newStub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		} else {
			whole.Add(1)
		}
		fmt.Fprint(w, `<vm id="v1"><name>x</name></vm>`)
	})
	c := s.dial(t, ovirt.Options{})
	for range 5 {
		if _, err := c.GetVM(t.Context(), "v1"); err != nil {
			t.Fatal(err)
		}
	}
	if whole.Load() > 0 || resumed.Load() != 5 {
		t.Errorf("%d whole handshakes, %d resumed", whole.Load(), resumed.Load())
	}
}
