package event

import (
	"context"
	"log/slog"
)

// Handler passes the records of a slog.Logger to a sink. It ignores groups, which this program does not use.
func Handler(sink Sink) slog.Handler { return handler{sink: sink} }

type handler struct {
	sink  Sink
	attrs []slog.Attr
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(_ context.Context, r slog.Record) error {
	e := Event{Time: r.Time, Kind: Log, Level: r.Level, Message: r.Message, Attrs: append([]slog.Attr(nil), h.attrs...)}
	r.Attrs(func(a slog.Attr) bool { e.Attrs = append(e.Attrs, a); return true })
	h.sink.Emit(e)
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return h
}

func (h handler) WithGroup(string) slog.Handler { return h }
