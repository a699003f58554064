package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func took(d time.Duration) []slog.Attr { return []slog.Attr{slog.Duration("took", d)} }

func emitAll(s event.Sink) {
	s = event.Stamped(func() time.Time { return t0 }, s)
	event.Info(s, "Install complete!")
	event.Warn(s, "two\nlines")
	event.Debug(s, "hidden at info")
	event.Error(s, "delete disk", "disk", "x-rhcos", "err", errors.New("locked"))
	s.Emit(event.Event{Kind: event.PhaseDone, Phase: "images", Message: "done", Attrs: took(83 * time.Second)})
}

func TestTextIsWhatWrappersRead(t *testing.T) {
	var out bytes.Buffer
	emitAll(event.NewText(&out, slog.LevelInfo))
	want := `level=info msg=Install complete!
level=warning msg=two
level=warning msg=lines
level=error msg=delete disk (disk=x-rhcos, err=locked)
level=info msg=Phase images: done after 1m23s
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTextHoldsBackProgress(t *testing.T) {
	var out bytes.Buffer
	s := event.NewText(&out, slog.LevelInfo)
	at := func(sec int, msg string) {
		s.Emit(event.Event{Kind: event.Progress, Time: t0.Add(time.Duration(sec) * time.Second), Message: msg})
	}
	at(0, "API is away")
	at(1, "API is starting")                   // too soon
	at(2, "bootstrap host: pulling: no route") // another topic
	at(6, "API is away")                       // the same as the last one shown
	at(7, "API is starting")
	at(8, "bootstrap host: pulling: no route")
	want := "level=info msg=API is away\n" +
		"level=info msg=bootstrap host: pulling: no route\n" +
		"level=info msg=API is starting\n"
	if out.String() != want {
		t.Errorf("wrote\n%s", out.String())
	}
}

func TestKeptLogsHaveProgressOnce(t *testing.T) {
	var file, lines bytes.Buffer
	s := event.Multi(event.NewLogFile(&file), event.NewJSON(&lines, slog.LevelInfo))
	for _, text := range []string{"API is away", "etcd: 1 member", "API is away", "etcd: 2 members", "API is away"} {
		s.Emit(event.Event{Kind: event.Progress, Time: t0, Message: text})
	}
	for name, kept := range map[string]string{"log file": file.String(), "json": lines.String()} {
		if got := strings.Count(kept, "\n"); got != 3 {
			t.Errorf("%s has %d lines, want 3:\n%s", name, got, kept)
		}
	}
}

func TestLogFileHasEverything(t *testing.T) {
	var out bytes.Buffer
	emitAll(event.NewLogFile(&out))
	for _, want := range []string{
		`time="2026-01-02T03:04:05Z" level=info msg="Install complete!"`,
		`level=debug msg="hidden at info"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestJSONLinesParse(t *testing.T) {
	var out bytes.Buffer
	emitAll(event.NewJSON(&out, slog.LevelInfo))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		var rec map[string]any
		if err := json.Unmarshal([]byte(l), &rec); err != nil {
			t.Errorf("%s: %v", l, err)
		}
		if rec["msg"] == "delete disk" && (rec["err"] != "locked" || rec["disk"] != "x-rhcos") {
			t.Errorf("attributes lost: %s", l)
		}
	}
}

func TestTerminalKeepsWithinItsWidth(t *testing.T) {
	var out bytes.Buffer
	now := t0
	term := event.NewTerminal(&out, slog.LevelInfo, func() int { return 60 }, func() time.Time { return now })
	term.Emit(event.Event{Kind: event.PhaseStart, Phase: "nodes-joined", Message: "wait for nodes"})
	event.ProgressOf(term, strings.Repeat("worker-0 is not ready ", 10))
	event.Info(term, "CSR approved")
	term.Emit(event.Event{Kind: event.PhaseDone, Phase: "nodes-joined", Message: "done", Attrs: took(time.Second)})
	term.Close()
	for _, piece := range strings.Split(out.String(), "\r\x1b[K") {
		if line, _, isLine := strings.Cut(piece, "\n"); !isLine && len([]rune(line)) > 60 {
			t.Errorf("line of %d columns: %q", len([]rune(line)), line)
		}
	}
	if !strings.Contains(out.String(), "✓") || !strings.Contains(out.String(), "CSR approved\n") {
		t.Errorf("output %q", out.String())
	}
}

func TestSecretIsShownOnScreenOnly(t *testing.T) {
	e := event.Event{Kind: event.Output, Time: t0, Message: "password: ", Reveal: secret.New("pa55w-ord")}
	var text, file, jsonLines bytes.Buffer
	event.NewText(&text, slog.LevelInfo).Emit(e)
	event.NewLogFile(&file).Emit(e)
	event.NewJSON(&jsonLines, slog.LevelInfo).Emit(e)
	if want := "level=info msg=password: \"pa55w-ord\"\n"; text.String() != want {
		t.Errorf("text %q, want %q", text.String(), want)
	}
	for name, kept := range map[string]string{"log file": file.String(), "json": jsonLines.String()} {
		if strings.Contains(kept, "pa55w") || !strings.Contains(kept, "(hidden)") {
			t.Errorf("%s has %q", name, kept)
		}
	}
}

func TestRedactedCleansTextAndKeepsTheRest(t *testing.T) {
	var out bytes.Buffer
	clean := func(s string) string { return strings.ReplaceAll(s, "pa55w-ord", "(hidden)") }
	s := event.Redacted(clean, event.NewText(&out, slog.LevelInfo))
	event.Info(s, "login pa55w-ord", "as", "pa55w-ord", "err", errors.New("bad pa55w-ord"), "tries", 3)
	s.Emit(event.Event{
		Kind: event.PhaseFailed, Level: slog.LevelError, Phase: "images", Message: "no pa55w-ord", Attrs: took(time.Second),
	})
	want := "level=info msg=login (hidden) (as=(hidden), err=bad (hidden), tries=3)\n" +
		"level=error msg=Phase images failed after 1.0s\n"
	if out.String() != want {
		t.Errorf("got %s want %s", out.String(), want)
	}
}
