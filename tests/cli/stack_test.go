package cli

import (
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

// stackTick is how often the operators of the cluster act.
const stackTick = 50 * time.Millisecond

// stack is a cluster with a lifecycle manager and the operators of its catalog: stack start KUBECONFIG. It stores an
// object of a user: stack put FILE, and takes one away: stack remove PATH.
func stack(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	switch args[0] {
	case "start":
		w.stack = stacktest.New(w.tb, stacktest.Faults{})
		ticker := time.NewTicker(stackTick)
		over := make(chan struct{})
		w.tb.Cleanup(func() { ticker.Stop(); close(over) })
		go func() {
			for {
				select {
				case <-ticker.C:
					w.stack.Step()
				case <-over:
					return
				}
			}
		}()
		text := strings.ReplaceAll(kubeconfig, "URL", w.stack.Config().Host)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	case "put":
		w.stack.Put(ts.ReadFile(args[1]))
	case "remove":
		w.stack.Remove(args[1])
	default:
		ts.Fatalf("unknown word %q", args[0])
	}
}
