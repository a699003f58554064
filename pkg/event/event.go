// Package event carries progress out of the installer as values. Sinks show them: as a spinner, log lines or JSON.
package event

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Kind is the kind of an event.
type Kind string

// The kinds of events.
const (
	Log          Kind = "log"           // a message for the log
	PhaseStart   Kind = "phase-start"   // a phase began
	PhaseDone    Kind = "phase-done"    // a phase succeeded
	PhaseFailed  Kind = "phase-failed"  // a phase failed
	PhaseSkipped Kind = "phase-skipped" // a phase was not run
	Progress     Kind = "progress"      // what is being waited for right now
	Output       Kind = "output"        // a line that wrappers parse
)

// Event is one thing that happened. Time is filled in by the sink when zero.
type Event struct {
	Time    time.Time
	Kind    Kind
	Level   slog.Level
	Phase   string
	Message string
	Attrs   []slog.Attr
	// Reveal is a secret appended to the message on the user's screen. Files get "(hidden)" instead.
	Reveal secret.String
}

// Sink takes events. Emit must be safe for concurrent use and must not block for long.
type Sink interface{ Emit(Event) }

// SinkFunc is a function as a Sink.
type SinkFunc func(Event)

// Emit calls the function.
func (f SinkFunc) Emit(e Event) { f(e) }

// Discard drops every event.
var Discard Sink = SinkFunc(func(Event) {})

// Multi hands every event to all sinks, in order.
func Multi(sinks ...Sink) Sink {
	return SinkFunc(func(e Event) {
		for _, s := range sinks {
			s.Emit(e)
		}
	})
}

// InPhase sets the phase of events that have none.
func InPhase(sink Sink, phase string) Sink {
	return SinkFunc(func(e Event) {
		if e.Phase == "" {
			e.Phase = phase
		}
		sink.Emit(e)
	})
}

// Debug emits a Log event at level debug; kv are slog's keys and values.
func Debug(s Sink, msg string, kv ...any) { emit(s, Log, slog.LevelDebug, msg, kv) }

// Info emits a Log event at level info.
func Info(s Sink, msg string, kv ...any) { emit(s, Log, slog.LevelInfo, msg, kv) }

// Warn emits a Log event at level warn.
func Warn(s Sink, msg string, kv ...any) { emit(s, Log, slog.LevelWarn, msg, kv) }

// Error emits a Log event at level error.
func Error(s Sink, msg string, kv ...any) { emit(s, Log, slog.LevelError, msg, kv) }

// ProgressOf emits a Progress event: what is being waited for.
func ProgressOf(s Sink, msg string, kv ...any) { emit(s, Progress, slog.LevelInfo, msg, kv) }

func emit(s Sink, kind Kind, level slog.Level, msg string, kv []any) {
	r := slog.NewRecord(time.Time{}, level, msg, 0)
	r.Add(kv...)
	e := Event{Kind: kind, Level: level, Message: msg}
	r.Attrs(func(a slog.Attr) bool { e.Attrs = append(e.Attrs, a); return true })
	s.Emit(e)
}

// Redacted passes events on with clean applied to every text in them.
func Redacted(clean func(string) string, sink Sink) Sink {
	return SinkFunc(func(e Event) {
		e.Message = clean(e.Message)
		attrs := make([]slog.Attr, len(e.Attrs))
		for i, a := range e.Attrs {
			switch v := a.Value.Resolve(); v.Kind() {
			case slog.KindString, slog.KindAny, slog.KindGroup:
				a = slog.String(a.Key, clean(fmt.Sprint(display(v))))
			}
			attrs[i] = a
		}
		e.Attrs = attrs
		sink.Emit(e)
	})
}
