package event

import "log/slog"

// Redacted passes events on with clean applied to every text in them.
func Redacted(clean func(string) string, sink Sink) Sink {
	return SinkFunc(func(e Event) {
		e.Message = clean(e.Message)
		attrs := make([]slog.Attr, len(e.Attrs))
		for i, a := range e.Attrs {
			switch v := plain(a.Value).(type) {
			case string:
				a = slog.String(a.Key, clean(v))
			}
			attrs[i] = a
		}
		e.Attrs = attrs
		sink.Emit(e)
	})
}
