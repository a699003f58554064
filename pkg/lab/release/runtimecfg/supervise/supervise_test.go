package supervise

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A hang-up would do for a reload too, but a shell cannot catch that where the
// tests themselves were started with it ignored, as nohup does.
//
// The program under supervision notes what happens to it in a file.
const script = `
trap 'echo reload >>"$0.log"' USR1
trap 'echo stop >>"$0.log"; exit 0' TERM
echo start >>"$0.log"
while [ ! -e "$0.exit" ]; do sleep 0.02; done
`

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("p"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	before := 0
	p := Program{
		Argv: []string{"/bin/sh", in("p")}, Config: in("conf"), Socket: in("sock"), Reload: syscall.SIGUSR1,
		Before: func() error { before++; return nil }, Log: slog.New(slog.DiscardHandler), Poll: 10 * time.Millisecond,
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { done <- p.Run(ctx) }()
	saw := func(want string) {
		t.Helper()
		var got string
		for range 250 {
			raw, _ := os.ReadFile(in("p.log"))
			if got = strings.Join(strings.Fields(string(raw)), " "); got == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("the program saw %q, want %q", got, want)
	}
	tell := func(order string) {
		t.Helper()
		var err error
		for range 100 {
			if err = Tell(t.Context(), in("sock"), order); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal(err)
	}
	tell(Reload) // before there is a program: nothing to do
	time.Sleep(50 * time.Millisecond)
	saw("")
	if err := os.WriteFile(in("conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	saw("start")
	tell(Reload)
	saw("start reload")
	tell(Stop)
	saw("start reload stop")
	time.Sleep(100 * time.Millisecond)
	saw("start reload stop")
	tell(Start)
	saw("start reload stop start")
	if before != 2 {
		t.Errorf("prepared %d times, want before each of 2 starts", before)
	}
	if err := os.WriteFile(in("p.exit"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "ended by itself") {
			t.Errorf("err = %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the end of the program was not noticed")
	}
}

func TestTermination(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"p": script, "conf": ""} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := Program{Argv: []string{"/bin/sh", in("p")}, Config: in("conf"), Socket: in("sock"), Reload: syscall.SIGUSR1,
		Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, cancel)
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if raw, _ := os.ReadFile(in("p.log")); string(raw) != "start\nstop\n" {
		t.Errorf("the program saw %q, want a start and an orderly stop", raw)
	}
}

// TestReloadTooEarly: a program that was told before it could catch the signal
// is started again, not given up.
func TestReloadTooEarly(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	deaf := "[ -e \"$0.deaf\" ] || { touch \"$0.deaf\"; exec sleep 60; }\n" + script
	for name, text := range map[string]string{"p": deaf, "conf": ""} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := Program{Argv: []string{"/bin/sh", in("p")}, Config: in("conf"), Socket: in("sock"), Reload: syscall.SIGUSR1,
		Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	wait := func(name string) {
		t.Helper()
		for range 250 {
			if _, err := os.Stat(in(name)); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("no %s", name)
	}
	wait("p.deaf")
	if err := Tell(t.Context(), in("sock"), Reload); err != nil {
		t.Fatal(err)
	}
	wait("p.log")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
