package event

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Terminal shows a line per phase with a spinner, the time and what it waits for. Other events scroll above it.
type Terminal struct {
	mu      sync.Mutex
	w       io.Writer
	level   slog.Level
	width   func() int
	now     func() time.Time
	phase   string
	since   time.Time
	waiting string
	frame   int
	shown   bool
	stop    chan struct{}
	stopped sync.WaitGroup
}

const (
	blank = "\r\x1b[K" // carriage return, erase to end of line
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	amber = "\x1b[33m"
	reset = "\x1b[0m"
)

var frames = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// NewTerminal draws on w, which is a terminal of the given width, until Close.
func NewTerminal(w io.Writer, level slog.Level, width func() int, now func() time.Time) *Terminal {
	t := &Terminal{w: w, level: level, width: width, now: now, stop: make(chan struct{})}
	t.stopped.Add(1)
	go t.spin()
	return t
}

// Close removes the spinner's line and stops drawing.
func (t *Terminal) Close() {
	close(t.stop)
	t.stopped.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
}

// Emit shows e.
func (t *Terminal) Emit(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Kind {
	case PhaseStart:
		t.phase, t.since, t.waiting = e.Phase, t.now(), e.Message
	case PhaseDone:
		t.line(green+"✓"+reset, e.Phase, took(e), e.Message)
		t.phase = ""
	case PhaseFailed:
		t.line(red+"✗"+reset, e.Phase, took(e), "failed")
		t.phase = ""
	case PhaseSkipped:
		t.line(dim+"-"+reset, e.Phase, "", e.Message)
	case Progress:
		t.waiting = Sentence(e)
	default:
		if e.Level >= t.level {
			t.erase()
			for line := range strings.Lines(revealed(e)) {
				fmt.Fprintf(t.w, "%s %s\n", levelMark(e.Level), strings.TrimRight(line, "\n"))
			}
		}
	}
	t.draw()
}

func (t *Terminal) line(mark, phase, took, detail string) {
	t.erase()
	if detail == "done" {
		detail = ""
	}
	fmt.Fprintf(t.w, "%s %-20s %8s  %s\n", mark, phase, took, detail)
}

func (t *Terminal) spin() {
	defer t.stopped.Done()
	tick := time.NewTicker(120 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.mu.Lock()
			t.frame++
			t.draw()
			t.mu.Unlock()
		}
	}
}

func (t *Terminal) draw() {
	if t.phase == "" {
		return
	}
	spinner, elapsed := frames[t.frame%len(frames)], Elapsed(t.now().Sub(t.since))
	waiting, _, _ := strings.Cut(t.waiting, "\n")
	text := fmt.Sprintf("%s %-20s %8s  %s", spinner, t.phase, elapsed, waiting)
	if limit := t.width() - 1; limit > 0 {
		if runes := []rune(text); len(runes) > limit {
			text = string(runes[:limit])
		}
	}
	fmt.Fprint(t.w, blank, text)
	t.shown = true
}

func (t *Terminal) erase() {
	if t.shown {
		fmt.Fprint(t.w, blank)
		t.shown = false
	}
}

func took(e Event) string { return strings.TrimPrefix(after(e), " after ") }

func levelMark(l slog.Level) string {
	name := strings.ToUpper(levelName(l))
	switch {
	case l >= slog.LevelError:
		return red + name + reset
	case l >= slog.LevelWarn:
		return amber + name + reset
	case l >= slog.LevelInfo:
		return green + name + reset
	}
	return dim + name + reset
}
