// Package disk finds out which disk of a host its hints mean, and writes the system to it.
package disk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/types"
)

// Choose returns the disk to install to.
//
// All hints have to be true of it. Those for deviceName, hctl, serialNumber and wwn are
// compared as a whole, those for model and vendor are parts. Hints that are true of several
// usable disks choose none: whoever gave them meant one.
//
// Without hints it is the smallest usable disk of at least minBytes, because larger ones hold
// data more often; of disks of one size the first by the path on its bus, then by name.
func Choose(hints *types.RootDeviceHints, disks []agent.Disk, minBytes int64) (agent.Disk, error) {
	rules := rulesOf(hints)
	var chosen []agent.Disk
	reasons := make([]string, len(disks))
	for i, d := range disks {
		if reasons[i] = refusal(rules, d, minBytes); reasons[i] == "" {
			chosen = append(chosen, d)
		}
	}
	switch {
	case len(chosen) == 0:
		return agent.Disk{}, &ChoiceError{Hints: len(rules) > 0, Disks: disks, Reasons: reasons}
	case len(rules) == 0:
		return slices.MinFunc(chosen, func(a, b agent.Disk) int {
			return cmp.Or(
				cmp.Compare(a.SizeBytes, b.SizeBytes), strings.Compare(a.ByPath, b.ByPath),
				cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name),
			)
		}), nil
	case len(chosen) > 1:
		return agent.Disk{}, &ChoiceError{Hints: true, Matches: len(chosen), Disks: disks, Reasons: reasons}
	}
	return chosen[0], nil
}

// ChoiceError is the error if there is no disk to install to, or if hints match several.
type ChoiceError struct {
	Hints   bool
	Matches int
	Disks   []agent.Disk
	// Reasons are why each of the disks was not chosen, empty if its hints match.
	Reasons []string
}

func (e *ChoiceError) Error() string {
	var what string
	switch {
	case len(e.Disks) == 0:
		return "the host has no disk"
	case e.Matches > 1:
		what = fmt.Sprintf("rootDeviceHints match %d disks", e.Matches)
	case e.Hints:
		what = "rootDeviceHints match no usable disk"
	default:
		what = "no disk can be installed to"
	}
	list := make([]string, len(e.Disks))
	for i, d := range e.Disks {
		list[i] = Describe(d) + ": " + cmp.Or(e.Reasons[i], "matches")
	}
	return what + ": " + strings.Join(list, "; ")
}

// Describe says in a few words which disk it is, with all that a hint can be made of.
func Describe(d agent.Disk) string {
	details := []string{cmp.Or(strings.TrimSpace(d.Vendor+" "+d.Model), "unknown model")}
	for _, v := range []struct{ name, value string }{{"serial", d.Serial}, {"wwn", d.WWN}, {"hctl", d.HCTL}} {
		if v.value != "" {
			details = append(details, v.name+" "+v.value)
		}
	}
	return fmt.Sprintf("%s (%s, %s)", d.Path, strings.Join(details, ", "), size(d.SizeBytes))
}

// size writes a size in GB, as vendors and our minimums do.
func size(n int64) string {
	const giga, mega = 1e9, 1e6
	if n < giga {
		return fmt.Sprintf("%.0f MB", float64(n)/mega)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/giga)
}

// refusal says why a disk is not chosen; empty if it may be.
func refusal(rules []rule, d agent.Disk, minBytes int64) string {
	var wrong []string
	for _, r := range rules {
		if why := r.refuses(d); why != "" {
			wrong = append(wrong, why)
		}
	}
	if d.Unusable != "" {
		wrong = append(wrong, d.Unusable)
	}
	if d.SizeBytes < minBytes && d.Unusable == "" {
		wrong = append(wrong, "smaller than "+size(minBytes))
	}
	return strings.Join(wrong, ", ")
}

// rule is one hint.
type rule struct {
	name, want string
	is         func(agent.Disk) string // the disk's value
	matches    func(agent.Disk) bool
}

func (r rule) refuses(d agent.Disk) string {
	if r.matches(d) {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", r.name, cmp.Or(r.is(d), "unknown"), r.want)
}

// rulesOf are the hints that are set.
func rulesOf(h *types.RootDeviceHints) []rule {
	if h == nil {
		return nil
	}
	var rules []rule
	add := func(name, want string, is func(agent.Disk) string, matches func(agent.Disk) bool) {
		if want != "" {
			rules = append(rules, rule{name, want, is, matches})
		}
	}
	add("deviceName", h.DeviceName, func(d agent.Disk) string { return d.Path }, func(d agent.Disk) bool {
		return h.DeviceName == d.Path || h.DeviceName == d.ByPath || slices.Contains(d.Links, h.DeviceName)
	})
	add("hctl", h.HCTL, func(d agent.Disk) string { return d.HCTL }, func(d agent.Disk) bool { return d.HCTL == h.HCTL })
	add("model", h.Model, func(d agent.Disk) string { return d.Model }, part(h.Model, func(d agent.Disk) string {
		return d.Model
	}))
	add("vendor", h.Vendor, func(d agent.Disk) string { return d.Vendor }, part(h.Vendor, func(d agent.Disk) string {
		return d.Vendor
	}))
	add("serialNumber", h.SerialNumber, func(d agent.Disk) string { return d.Serial }, func(d agent.Disk) bool {
		return d.Serial == h.SerialNumber
	})
	add("wwn", h.WWN, func(d agent.Disk) string { return d.WWN }, func(d agent.Disk) bool { return sameWWN(d.WWN, h.WWN) })
	if n := h.MinSizeGigabytes; n > 0 {
		add("minSizeGigabytes", fmt.Sprintf("at least %d GiB", n), func(d agent.Disk) string {
			return fmt.Sprintf("%.1f GiB", float64(d.SizeBytes)/(1<<30))
		}, func(d agent.Disk) bool { return d.SizeBytes>>30 >= int64(n) })
	}
	if h.Rotational != nil {
		add("rotational", fmt.Sprint(*h.Rotational), func(d agent.Disk) string { return fmt.Sprint(d.Rotational) },
			func(d agent.Disk) bool { return d.Rotational == *h.Rotational })
	}
	// Nothing here knows the extensions, and a hint that is not looked at would match all.
	never := func(agent.Disk) bool { return false }
	unknown := func(agent.Disk) string { return "" }
	add("wwnWithExtension", h.WWNWithExtension, unknown, never)
	add("wwnVendorExtension", h.WWNVendorExtension, unknown, never)
	return rules
}

// part compares with a part of a value. udev writes underscores where the disk has spaces.
func part(want string, is func(agent.Disk) string) func(agent.Disk) bool {
	spaces := func(s string) string { return strings.ReplaceAll(s, "_", " ") }
	return func(d agent.Disk) bool { return strings.Contains(spaces(is(d)), spaces(want)) }
}

// sameWWN compares world wide names. That of a logical unit may have an extension, 16 more
// digits, which other tools leave out.
func sameWWN(is, want string) bool {
	const plain = len("0x") + 16
	if strings.EqualFold(is, want) {
		return true
	}
	return strings.HasPrefix(is, "0x") && len(is) == plain+16 && strings.EqualFold(is[:plain], want)
}
