package disk

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Written returns the disk of a host that an installation has written: the recorded one, else the one that the hints
// mean. Without either there is none.
func Written(h *agent.WipeHost, disks []agent.Disk) (agent.Disk, error) {
	if h.Disk == nil {
		if len(rulesOf(h.Hints)) == 0 {
			return agent.Disk{}, fmt.Errorf("which disk of host %s was installed to is not recorded, and it has no "+
				"rootDeviceHints", h.Name)
		}
		return Choose(h.Hints, disks, 0)
	}
	var found []agent.Disk
	for _, d := range disks {
		if h.Disk.Is(d) {
			found = append(found, d)
		}
	}
	was := Describe(agent.Disk{
		Path: h.Disk.Path, Model: h.Disk.Model, Serial: h.Disk.Serial, WWN: h.Disk.WWN, SizeBytes: h.Disk.SizeBytes,
	})
	switch {
	case len(found) == 0:
		return agent.Disk{}, fmt.Errorf("the disk that was installed to, %s, is not in host %s", was, h.Name)
	case len(found) > 1:
		return agent.Disk{}, fmt.Errorf("%d disks in host %s look like the one that was installed to, %s", len(found),
			h.Name, was)
	case found[0].Unusable != "":
		return agent.Disk{}, fmt.Errorf("the disk that was installed to, %s, cannot be used: %s", was, found[0].Unusable)
	}
	return found[0], nil
}
