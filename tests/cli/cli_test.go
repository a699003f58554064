// Package cli runs the built okd-install as users and pipelines do: the scripts in
// testdata/script call it against an engine, a registry and the API of a cluster,
// all of them over TLS on the loopback interface.
package cli

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the built okd-install.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	// Scripts spend most of their time waiting.
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "okd-install-cli-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "okd-install")
		const version = "github.com/okd-install/okd-install/pkg/version."
		build := exec.Command("go", "build",
			"-ldflags", "-X "+version+"Version=v0.0.0-cli -X "+version+"Commit=0123abc",
			"-o", program, "../../cmd/okd-install")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as in a release, even when the tests run with -race
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build okd-install: %v\n%s", err, out)
			return 1
		}
		keys := filepath.Join(dir, "keys")
		if err = os.Mkdir(keys, 0o700); err == nil {
			err = makeWarm(keys)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name != "fips" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			mode, _ := os.ReadFile("/proc/sys/crypto/fips_enabled")
			return string(mode) == "1\n", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"okd":       okd,
			"okd2":      okdBeside,
			"finish":    finish,
			"config":    config,
			"upi":       upi,
			"replace":   replace,
			"inventory": inventory,
			"untouched": untouched,
			"fault":     fault,
			"service":   serviceCommand,
			"cluster":   clusterCommand,
			"private":   private,
			"nosecrets": noSecrets,
			"jsonlines": jsonLines,
			"dot":       dot,
			"infraid":   infraID,
			"unrecord":  unrecord,
			"unmark":    unmark,
			"remove":    remove,
			"liveiso":   liveISO,
			"hosts":     hosts,
			"running":   running,
			"stack":     stack,
		},
	})
}
