package proof

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

const (
	every = time.Second // between two looks
	// lasting is how long a trouble that may be a passing one must go on until it ends the wait: a device plugin that
	// is just registering, a registry that refuses once.
	lasting = 15 * time.Second
	// away is for how long the API may not answer, in all, without that the time of a wait runs.
	away = 3 * time.Minute
	// asking is for how long a request is repeated that the API answers with errors of its own.
	asking = time.Minute
)

// seen is what a look at the cluster has found. Nothing means that all is there.
type seen struct {
	missing string // object, condition, and since when
	trouble *trouble
}

// trouble keeps a wait from coming to its end.
type trouble struct {
	fault
	kind string        // the same trouble from look to look, although its words change
	last time.Duration // how long it has to go on before it ends the wait
}

// broken ends a wait at once.
func broken(reason, cause, next string) seen {
	return seen{missing: reason, trouble: &trouble{fault: fault{reason, cause, next}}}
}

// until looks until all is there. The result is what failed, nil if nothing did.
func (r *run) until(ctx context.Context, limit time.Duration, what string,
	look func(context.Context) (seen, error)) *fault {
	until, last := r.Clock.Now().Add(limit), r.Clock.Now()
	patience := away
	var kept trouble
	var since time.Time
	err := wait.Until(ctx, r.Clock, every, func(ctx context.Context) (bool, string, error) {
		got, err := look(ctx)
		passed := r.Clock.Now().Sub(last)
		last = last.Add(passed)
		if err != nil {
			got = unanswered(err)
			if !kube.Answered(err) { // what is waited for may go on meanwhile, but nobody sees it
				passed = min(passed, patience)
				patience -= passed
				until = until.Add(passed)
			}
		}
		if got.missing == "" && got.trouble == nil {
			return true, "", nil
		}
		event.ProgressOf(r.Sink, what+": "+got.missing)
		now := r.Clock.Now()
		switch t := got.trouble; {
		case t == nil:
			kept = trouble{}
		case t.kind == "" || t.kind != kept.kind:
			kept, since = *t, now
		case len(t.cause) > len(kept.cause): // a back-off says less than the error that led to it
			kept = *t
		}
		if got.trouble != nil && now.Sub(since) >= kept.last {
			return false, got.missing, &kept.fault
		}
		if !now.Before(until) {
			return false, got.missing, r.late(limit, got, kept)
		}
		return false, got.missing, nil
	})
	if known := (*fault)(nil); errors.As(err, &known) {
		return known
	}
	if err != nil { // ctx has ended
		return &fault{reason: "interrupted", cause: err.Error(), next: "run the same command again: " + r.Options.Again}
	}
	return nil
}

// ask makes a request until the API answers it. An answer that refuses it is not asked for again.
func (r *run) ask(ctx context.Context, what string, request func(context.Context) error) *fault {
	return r.until(ctx, asking, what, func(ctx context.Context) (seen, error) {
		err := request(ctx)
		status := apierrors.APIStatus(nil)
		if errors.As(err, &status) && status.Status().Code < http.StatusInternalServerError &&
			status.Status().Code != http.StatusTooManyRequests {
			return broken("the API refused to "+what, kube.Cause(err), administrator+"; the message may name a webhook or a "+
				"quota that stands against it"), nil
		}
		return seen{}, err
	})
}

// late is the fault of a wait that took too long.
func (r *run) late(limit time.Duration, got seen, kept trouble) *fault {
	f := &fault{reason: fmt.Sprintf("not done after %s", limit), cause: got.missing}
	if kept.reason != "" {
		f.reason += ": " + kept.reason
		f.cause, f.next = kept.cause, kept.next
	}
	return f
}

// Error makes a fault an error within a wait.
func (f *fault) Error() string { return f.reason + ": " + f.cause }

// err is a fault as an error with its next step, nil without one.
func (f *fault) err() error {
	if f == nil {
		return nil
	}
	return exit.New(f.next, "%w", f)
}

// unanswered is a look that failed. An API that is away comes back; one that refuses a user goes on to.
func unanswered(err error) seen {
	got := seen{missing: "no answer of the API: " + kube.Cause(err)}
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		got.trouble = &trouble{
			fault: fault{"the API refuses the user of the kubeconfig", kube.Cause(err), administrator}, kind: "refused",
			last: lasting,
		}
	}
	return got
}

const administrator = "name the kubeconfig of an administrator of the cluster with --kubeconfig"

// under makes what failed the outcome of a check, with what it was about in front.
func under(ctx context.Context, f *fault, format string, args ...any) outcome {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	g := *f
	g.reason = fmt.Sprintf(format, args...) + ": " + g.reason
	return g.outcome()
}

// condition is one of an object, of whichever kind.
type condition struct {
	Type, Status, Reason, Message string
	LastTransitionTime            time.Time
}

func (c condition) String() string {
	text := "condition " + c.Type + " is " + c.Status
	for _, part := range []string{c.Reason, c.Message} {
		if part != "" {
			text += ": " + kube.OneLine(part)
		}
	}
	return text + kube.Since(c.LastTransitionTime)
}

// conditionOf is the zero value, which is Unknown, if there is none.
func conditionOf(list []condition, kind string) condition {
	for _, c := range list {
		if c.Type == kind {
			return c
		}
	}
	return condition{Type: kind, Status: "Unknown", Message: "not reported"}
}

// and joins names for a sentence, at most a few.
func and(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
