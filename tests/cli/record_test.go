package cli

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/clock"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/wait"
)

// dial logs in to the engine of the world.
func (w *world) dial(ts *testscript.TestScript) *api.Client {
	c, err := api.Dial(context.Background(), api.Config{
		URL: w.engineURL + "/ovirt-engine/api", Username: "admin@internal", Password: secret.New(enginePassword),
		CABundle: string(w.ca.Cert),
	}, api.Options{})
	ts.Check(err)
	return c
}

// unrecord makes the engine's tags look like those of old versions, which kept no
// record in them.
func unrecord(ts *testscript.TestScript, _ bool, _ []string) {
	c := worldOf(ts).dial(ts)
	tags, err := c.Tags(context.Background())
	ts.Check(err)
	for _, t := range tags {
		plain, recorded, _ := strings.Cut(t.Description, "; record ")
		if recorded != "" {
			ts.Check(c.DescribeTag(context.Background(), t, plain+";"))
		}
	}
}

var stateMarks = regexp.MustCompile(`,"marks":\{[^}]*\}`)

// unmark makes a state look like one of old versions, which kept no marks:
// unmark DIR
func unmark(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0] + "/.openshift_install_state.json")
	data, err := os.ReadFile(path)
	if err == nil && !stateMarks.Match(data) {
		err = errors.New("the state has no marks")
	}
	ts.Check(err)
	ts.Check(os.WriteFile(path, stateMarks.ReplaceAll(data, nil), 0o600))
}

// remove deletes a machine without the installer: remove NAME
func remove(ts *testscript.TestScript, _ bool, args []string) {
	c := worldOf(ts).dial(ts)
	vm, err := c.FindVM(context.Background(), args[0])
	if err == nil && vm == nil {
		err = errors.New("the engine has no machine " + args[0])
	}
	ts.Check(err)
	ts.Check(c.StopVM(context.Background(), *vm))
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	ts.Check(wait.Until(ctx, clock.Real(), 50*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		now, err := c.GetVM(ctx, vm.ID)
		return now.Status == api.VMDown, "machine " + args[0] + " is " + now.Status, err
	}))
	ts.Check(c.DeleteVM(context.Background(), *vm))
}
