package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

// maxSkew is how much clocks may differ: certificates of the cluster are valid from the time
// that the rendezvous host makes them.
const maxSkew = time.Minute

// askTime is enough for a program that looks something up.
const askTime = 5 * time.Second

func clockOfRendezvous(_ context.Context, in *Input, _ *World) agent.Check {
	switch {
	case in.Rendezvous:
		return pass("the others follow the clock of this host")
	case in.Order == nil || in.Order.Time.IsZero():
		return pending("see check "+Rendezvous, "the clock of the rendezvous host is not known yet")
	}
	const layout = time.RFC3339
	skew := in.OrderAt.Sub(in.Order.Time).Abs().Round(time.Second)
	if skew > maxSkew {
		return fail("set the clock in the firmware, or add time servers that the host reaches to additionalNTPSources "+
			"in agent-config.yaml", "the clock of this host says %s and that of the rendezvous host %s: %v apart, at most "+
			"%v are allowed",
			in.OrderAt.UTC().Format(layout), in.Order.Time.UTC().Format(layout), skew, maxSkew)
	}
	return pass("at most %v from the clock of the rendezvous host", skew+time.Second)
}

// ntpSources asks the time servers of the config, or whether the system has found others.
func ntpSources(ctx context.Context, in *Input, w *World) agent.Check {
	if len(in.Config.NTPSources) == 0 {
		return synchronized(ctx, w)
	}
	var answered, silent []string
	for _, s := range in.Config.NTPSources {
		offset, err := w.QueryNTP(ctx, s)
		if err != nil {
			silent = append(silent, fmt.Sprintf("%s (%v)", s, err))
			continue
		}
		if offset.Abs() > maxSkew {
			return fail("set the clock in the firmware, or see why the system does not follow the server",
				"the clock of this host is %v from that of %s; at most %v are allowed", offset.Abs().Round(time.Second), s,
				maxSkew)
		}
		answered = append(answered, s)
	}
	const next = "see that UDP port 123 of the servers in additionalNTPSources can be reached"
	switch {
	case len(answered) == 0:
		return fail(next, "no time server answers: %s", strings.Join(silent, ", "))
	case len(silent) > 0:
		return warn(next, "some time servers do not answer: %s", strings.Join(silent, ", "))
	}
	return pass("%s answer", join(answered))
}

// synchronized asks what the system says of its clock. A site may have no time server that
// its hosts reach: then the clocks have to agree with that of the rendezvous host.
func synchronized(ctx context.Context, w *World) agent.Check {
	const next = "add time servers that the host reaches to additionalNTPSources in agent-config.yaml"
	// It waits for a service that may not be there.
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	lines, err := disk.Output(ctx, w.Runner, "timedatectl", "show", "--property", "NTPSynchronized", "--value")
	switch {
	case err != nil:
		return warn(next, "whether the clock is synchronized is unknown: %v", err)
	case len(lines) == 1 && lines[0] == "yes":
		return pass("the clock is synchronized")
	}
	return warn(next, "the clock is not synchronized with a time server")
}
