package asset

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// A killed run leaves a state that can be read, no half-written files after the
// next run, and the next run keeps what the killed one had drawn.
func TestKill(t *testing.T) {
	if dir := os.Getenv("ASSET_TEST_KILL_DIR"); dir != "" {
		endless(dir)
		return
	}
	for i := range 8 {
		w := newWorld(t)
		if err := w.run(Refuse, false); err != nil {
			t.Fatal(err)
		}
		random := w.read("manifests/b.yaml")
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "ASSET_TEST_KILL_DIR="+w.dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // it is at work
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*3) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if err := w.run(Refuse, false); err != nil {
			t.Fatalf("after the kill: %v", err)
		}
		if got := w.read("manifests/b.yaml"); got != random {
			t.Errorf("number %q, was %q", got, random)
		}
		config := strings.TrimSpace(w.read("config.yaml"))
		if got := w.read("manifests/a.yaml"); got != "colour: "+config+"\n" {
			t.Errorf("a.yaml is %q with config %q", got, config)
		}
		left, _ := filepath.Glob(filepath.Join(w.dir, "*", atomicfile.Prefix+"*"))
		more, _ := filepath.Glob(filepath.Join(w.dir, atomicfile.Prefix+"*"))
		if len(left)+len(more) > 0 {
			t.Errorf("half-written files are left: %v %v", left, more)
		}
	}
}

// endless changes the input and runs, again and again, until killed.
func endless(dir string) {
	fmt.Print(".")
	for i := 0; ; i++ {
		if err := workdir.WriteFile(filepath.Join(dir, "config.yaml"), fmt.Appendf(nil, "colour%d\n", i), 0o600); err != nil {
			panic(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			panic(err)
		}
		if _, err := s.Run(context.Background(), []Ref{tManifests, tFinal}, nil); err != nil {
			panic(err)
		}
		if err := s.Close(); err != nil {
			panic(err)
		}
	}
}
