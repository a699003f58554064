package create

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/types"
)

// diskPatience is how long a host may have no disk to install to: others may say the same meanwhile.
const diskPatience = time.Minute

// register helps hosts to register. It ends the wait if the cluster needs one that has no disk which it may be
// installed to: hints are in the image, so that waiting changes nothing, and no host has been written yet.
func (s *selfInstalling) register(ctx context.Context, sink event.Sink) error {
	lacking := s.lackDisks(s.status)
	now := s.Clock.Now()
	switch {
	case len(lacking) == 0:
		s.noDisk = time.Time{}
	case s.noDisk.IsZero():
		s.noDisk = now
	case now.Sub(s.noDisk) > diskPatience:
		return exit.New("correct rootDeviceHints in install-config.yaml or agent-config.yaml, or the disks of the host; "+
			"then "+s.Quoted("destroy cluster")+", which leaves disks alone, and "+s.Quoted("create cluster")+" again",
			"%s; nothing was written to any disk", strings.Join(lacking, "; "))
	}
	return s.booting.Again(ctx, sink)
}

// keepDisks keeps which disks the hosts are installed to, for who wipes them.
func (s *selfInstalling) keepDisks(status agent.Status) {
	news := map[string]hosts.DiskID{}
	for _, m := range s.booting.Machines {
		h := steps.FindMachine(status, m)
		if h == nil || h.DiskID == nil {
			continue
		}
		if known, is := s.disks[m.Name]; !is || known != *h.DiskID {
			news[m.Name] = *h.DiskID
		}
	}
	if len(news) == 0 {
		return
	}
	if err := s.inst.KeepDisks(news); err != nil {
		event.Warn(s.Sink, "It could not be kept which disks the hosts are installed to", "err", err)
		return
	}
	if s.disks == nil {
		s.disks = map[string]hosts.DiskID{}
	}
	maps.Copy(s.disks, news)
}

// lackDisks says of each host that the cluster needs why it has no disk to be installed to.
func (s *selfInstalling) lackDisks(status agent.Status) (out []string) {
	for _, h := range status.Hosts {
		if h.Role == types.WorkerPool && !s.RequireWorkers {
			continue
		}
		for _, c := range h.Checks {
			if c.ID == check.Disk && c.Result == hosts.Fail {
				out = append(out, fmt.Sprintf("host %s: %s", cmp.Or(h.Hostname, h.ID), c.Message))
			}
		}
	}
	return out
}
