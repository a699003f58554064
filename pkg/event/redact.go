package event

import (
	"fmt"
	"log/slog"
)

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
