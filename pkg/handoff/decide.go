package handoff

import (
	"context"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
)

// AskLimit is how long the API is asked whether the masters have taken over, where nothing else proves it.
const AskLimit = 15 * time.Second

// Look asks the platform what it knows of a cluster. Started and marked are what the state says of it.
func Look(ctx context.Context, sink event.Sink, p machines.Provider, infraID string, started, marked bool) Evidence {
	event.ProgressOf(sink, "looking for cluster "+infraID+" on the platform")
	e := Evidence{Started: started, Marked: marked}
	if e.Record, e.Platform = p.Recorded(ctx, infraID); e.Platform == nil {
		e.Machines, e.Platform = p.Machines(ctx, infraID)
	}
	return e
}

// Decide finds out whether the masters have taken over. It asks the API if that can make a difference, and then takes
// the user's word. If the watcher has no API, noAPI is why.
func (w *Watcher) Decide(ctx context.Context, e Evidence, noAPI error, told Answer) (Verdict, error) {
	switch {
	case e.Settled():
	case w.API == nil:
		e.API = API{Asked: true, Silent: noAPI}
	default:
		limit := AskLimit
		if e.Judge().Answer != Unknown {
			limit = 0 // silence would decide nothing
		}
		var err error
		if e.API, err = w.Ask(ctx, limit); err != nil {
			return Verdict{}, err
		}
	}
	v, err := e.Judge().With(told)
	if err != nil {
		return v, exit.With(exit.Unproved, "run the same command again without --handed-over", err)
	}
	if v.Told {
		event.Warn(w.Sink, "Nothing proves whether the masters have taken over; going on because "+v.Why)
	}
	return v, nil
}

// Unproved stops a run that might harm a living cluster. Why ends the sentence.
func Unproved(infraID, why string) error {
	return exit.Stopped("make what is named above answer and run the same command again; if you know the answer, say "+
		"--handed-over=yes (the masters have taken over: nothing more is created) or "+
		"--handed-over=no (they never have: the bootstrap goes on)",
		"whether the masters of cluster %s have taken over is not known: %s", infraID, why)
}
