package event

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// progressInterval is the least time between two progress lines of a topic, so that long waits do not bury others.
const progressInterval = 5 * time.Second

// repeats recognizes progress events that repeat the last one of their topic, or follow it too soon. The topic is the
// first word of the text, because several waits may run at once.
type repeats struct {
	mu    sync.Mutex
	every time.Duration
	last  map[string]shown // by topic
}

type shown struct {
	text string
	at   time.Time
}

func (r *repeats) contains(e Event) bool {
	if e.Kind != Progress {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]shown{}
	}
	text := Sentence(e)
	topic, _, _ := strings.Cut(text, " ")
	last, again := r.last[topic]
	if again && (text == last.text || r.every > 0 && e.Time.Sub(last.at) < r.every) {
		return true
	}
	r.last[topic] = shown{text, e.Time}
	return false
}

// Text writes plain lines as the reference does without a terminal: `level=info msg=text`, one record per line.
type Text struct {
	mu      sync.Mutex
	w       io.Writer
	level   slog.Level
	repeats repeats
}

// NewText writes events of at least the given level to w.
func NewText(w io.Writer, level slog.Level) *Text {
	return &Text{w: w, level: level, repeats: repeats{every: progressInterval}}
}

// Emit writes e.
func (t *Text) Emit(e Event) {
	if e.Level < t.level || t.repeats.contains(e) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(revealed(e)) {
		fmt.Fprintf(t.w, "level=%s msg=%s\n", levelName(e.Level), strings.TrimRight(line, "\n"))
	}
}

// JSON writes one JSON object per line: time, level, kind, phase, msg and the event's attributes.
type JSON struct {
	mu      sync.Mutex
	w       io.Writer
	level   slog.Level
	repeats repeats
}

// NewJSON writes events of at least the given level to w.
func NewJSON(w io.Writer, level slog.Level) *JSON { return &JSON{w: w, level: level} }

// Emit writes e.
func (j *JSON) Emit(e Event) {
	if e.Level < j.level || j.repeats.contains(e) {
		return
	}
	rec := map[string]any{
		"time": e.Time.UTC().Format(time.RFC3339Nano), "level": levelName(e.Level), "kind": string(e.Kind),
		"msg": Sentence(Event{Message: e.Message, Reveal: e.Reveal}),
	}
	if e.Phase != "" {
		rec["phase"] = e.Phase
	}
	for _, a := range e.Attrs {
		if _, taken := rec[a.Key]; !taken {
			rec[a.Key] = display(a.Value)
		}
	}
	line, err := json.Marshal(rec)
	if err != nil {
		line, _ = json.Marshal(map[string]string{"level": "error", "msg": "encode event: " + err.Error()})
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.w.Write(append(line, '\n'))
}

// LogFile writes every event in the form of the reference's .openshift_install.log: time, level and quoted message.
type LogFile struct {
	mu      sync.Mutex
	w       io.Writer
	repeats repeats
}

// NewLogFile writes all events to w.
func NewLogFile(w io.Writer) *LogFile { return &LogFile{w: w} }

// Emit writes e.
func (l *LogFile) Emit(e Event) {
	if l.repeats.contains(e) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	level := e.Level
	if e.Kind == Progress {
		level = slog.LevelDebug
	}
	for line := range strings.Lines(Sentence(e)) {
		at, text := e.Time.UTC().Format(time.RFC3339), strconv.Quote(strings.TrimRight(line, "\n"))
		fmt.Fprintf(l.w, "time=%q level=%s msg=%s\n", at, levelName(level), text)
	}
}

// Stamped sets the time of events that have none.
func Stamped(now func() time.Time, sink Sink) Sink {
	return SinkFunc(func(e Event) {
		if e.Time.IsZero() {
			e.Time = now()
		}
		sink.Emit(e)
	})
}

// Sentence returns the text of e for a person, with secrets hidden.
func Sentence(e Event) string {
	switch e.Kind {
	case PhaseStart:
		text := "Phase " + e.Phase
		if e.Message != "" {
			text += ": " + e.Message
		}
		if limits := Limits(seconds(e.Attrs, LimitSeconds), seconds(e.Attrs, BudgetSeconds)); limits != "" {
			text += " (" + limits + ")"
		}
		return text
	case PhaseDone:
		return fmt.Sprintf("Phase %s: %s%s", e.Phase, cmp.Or(e.Message, "done"), after(e))
	case PhaseFailed:
		// The cause is in the last line of the run.
		return fmt.Sprintf("Phase %s failed%s", e.Phase, after(e))
	case PhaseSkipped:
		return fmt.Sprintf("Phase %s skipped: %s", e.Phase, e.Message)
	}
	text := e.Message + attrs(e.Attrs)
	if !e.Reveal.IsZero() {
		text += e.Reveal.String()
	}
	return text
}

// revealed is Sentence with the secret shown.
func revealed(e Event) string {
	if e.Reveal.IsZero() {
		return Sentence(e)
	}
	return e.Message + strconv.Quote(e.Reveal.Reveal())
}

func after(e Event) string {
	for _, a := range e.Attrs {
		if a.Key == "took" {
			return " after " + Elapsed(a.Value.Duration())
		}
	}
	return ""
}

// Elapsed prints a measured duration: 0.4s, 12s, 3m05s.
func Elapsed(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}

func attrs(list []slog.Attr) string {
	if len(list) == 0 {
		return ""
	}
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.Key + "=" + fmt.Sprint(display(a.Value))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// display converts durations, times and errors to text.
func display(v slog.Value) any {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindDuration:
		return Elapsed(v.Duration())
	case slog.KindTime:
		return v.Time().UTC().Format(time.RFC3339)
	case slog.KindAny:
		if err, isErr := v.Any().(error); isErr {
			return err.Error()
		}
		return fmt.Sprint(v.Any())
	}
	return v.Any()
}

// levelName uses the reference's names (logrus), which wrappers look for.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	case l < LevelFatal:
		return "error"
	}
	return "fatal"
}

// LevelFatal is the level of the last line of a run that failed.
const LevelFatal = slog.LevelError + 4
