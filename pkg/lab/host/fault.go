package host

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Faults are what is broken in a host.
type Faults struct {
	// Dead disks answer with errors, from the next start on.
	Dead []string `json:"deadDisks,omitempty"`
	// Slow disks have so many bytes per second.
	Slow map[string]int64 `json:"slowDisks,omitempty"`
	// Cut are network cards whose cable is cut.
	Cut []string `json:"cutLinks,omitempty"`
}

// WithFault adds a fault, written as dead-disk=sdb, slow-disk=sda:5MiB/s, cut-link or
// cut-link=ens4, for a host with these disks and cards. The word none mends all.
func (f Faults) WithFault(text string, disks int, cards []string) (Faults, error) {
	kind, what, named := strings.Cut(text, "=")
	disk, rate, rated := strings.Cut(what, ":")
	switch {
	case text == "none":
		return Faults{}, nil
	case kind == "dead-disk" && isDisk(what, disks):
		f.Dead = with(f.Dead, what)
		return f, nil
	case kind == "slow-disk" && rated && isDisk(disk, disks):
		n, err := parseRate(rate)
		if err != nil {
			return f, err
		}
		slow := map[string]int64{disk: n}
		for d, n := range f.Slow {
			if d != disk {
				slow[d] = n
			}
		}
		f.Slow = slow
		return f, nil
	case kind == "cut-link" && !named:
		f.Cut = slices.Clone(cards)
		return f, nil
	case kind == "cut-link" && slices.Contains(cards, what):
		f.Cut = with(f.Cut, what)
		return f, nil
	}
	return f, fmt.Errorf("fault %q: use dead-disk=sdb, slow-disk=sda:5MiB/s, cut-link, cut-link=ens4 or none, "+
		"with disks and cards that the host has", text)
}

func isDisk(name string, disks int) bool {
	for i := range disks {
		if DiskName(i) == name {
			return true
		}
	}
	return false
}

// with returns a new list: the old one may be in use.
func with(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(slices.Clone(list), name)
}

var ratePattern = regexp.MustCompile(`^([0-9]{1,6})(KiB|MiB)/s$`)

func parseRate(text string) (int64, error) {
	f := ratePattern.FindStringSubmatch(text)
	if f == nil {
		return 0, fmt.Errorf("rate %q: write it as 5MiB/s", text)
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err == nil && n == 0 {
		err = fmt.Errorf("rate %q: a disk without any progress is not possible", text)
	}
	if f[2] == "MiB" {
		n <<= 10
	}
	return n << 10, err
}
