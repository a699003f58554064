package nmstate

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// firstPriority is that of the first rule without one, as nmstate has it. The others follow.
const firstPriority = 30000

func (t *translation) rules(set []Rule) {
	at := t.at.Child("route-rules", "config")
	next := int64(firstPriority)
	for i := range set {
		if p := set[i].Priority; p != nil && *p >= next {
			next = *p + 1
		}
	}
	for i := range set {
		rule, here := &set[i], at.Index(i)
		if rule.State == absent { // a new host has none that could be removed
			continue
		}
		priority := next
		switch p := rule.Priority; {
		case p == nil || *p == -1: // -1 is nmstate's word for none
			next++
		case *p < 0 || *p > math.MaxUint32:
			here.Child("priority").Invalid(*p, "must be between 0 and %d", uint32(math.MaxUint32))
			continue
		default:
			priority = *p
		}
		if priority > math.MaxUint32 {
			here.Child("priority").Required("there is no number left after those of the other rules")
			continue
		}
		t.rule(here, rule, priority)
	}
}

func (t *translation) rule(at report.Field, set *Rule, priority int64) {
	words := []string{"priority", strconv.FormatInt(priority, 10)}
	v6, selector, ok := ruleSelector(at, set)
	if !ok {
		return
	}
	words = append(words, selector...)
	mark, ok := ruleMark(at, set)
	if !ok {
		return
	}
	words = append(words, mark...)
	if set.IIF != "" {
		if !interfaceName.MatchString(set.IIF) {
			at.Child("iif").Invalid(set.IIF, "is not a name for a network interface")
			return
		}
		words = append(words, "iif", set.IIF)
	}
	if n := set.SuppressPrefixLength; n != nil {
		if *n > 128 || !v6 && *n > 32 {
			at.Child("suppress-prefix-length").Invalid(*n, "is longer than an address")
			return
		}
		words = append(words, "suppress_prefixlength", strconv.FormatUint(uint64(*n), 10))
	}
	if set.Action != "" {
		if set.Table != nil {
			at.Child("route-table").Forbidden("the action %s looks nothing up", set.Action)
			return
		}
		words = append(words, "type", set.Action)
	} else {
		words = append(words, "table", strconv.FormatUint(uint64(table(set.Table)), 10))
	}
	if f := t.ruleFamily(at, set, v6); f != nil {
		f.rules = append(f.rules, strings.Join(words, " "))
	}
}

// ruleSelector returns the addresses that a rule is about, and their protocol.
func ruleSelector(at report.Field, set *Rule) (v6 bool, words []string, ok bool) {
	protocols := map[string]bool{}
	if set.Family != "" {
		protocols[set.Family] = true
	}
	for _, part := range []struct{ key, word, text string }{
		{"ip-from", "from", set.From}, {"ip-to", "to", set.To},
	} {
		if part.text == "" {
			continue
		}
		n, ok := network(at.Child(part.key), part.text)
		if !ok {
			return false, nil, false
		}
		protocol := "ipv4"
		if n.Addr().Is6() {
			protocol = "ipv6"
		}
		protocols[protocol] = true
		if len(protocols) > 1 {
			at.Child(part.key).Invalid(part.text, "ip-from, ip-to and family must be of one protocol")
			return false, nil, false
		}
		selected := n.String()
		if n.IsSingleIP() {
			selected = n.Addr().String()
		}
		words = append(words, part.word, selected)
	}
	if len(protocols) == 0 {
		if !at.Child("family").Broken() {
			at.Child("family").Required("ipv4 or ipv6, as there is neither ip-from nor ip-to")
		}
		return false, nil, false
	}
	v6 = protocols["ipv6"]
	if len(words) == 0 { // NetworkManager wants one of the two
		all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if v6 {
			all = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		words = []string{"from", all.String()}
	}
	return v6, words, true
}

func ruleMark(at report.Field, set *Rule) (words []string, ok bool) {
	if set.FWMark == nil {
		if set.FWMask != nil {
			at.Child("fwmark").Required("fwmask has no effect without it")
			return nil, false
		}
		return nil, true
	}
	mark, ok := markNumber(at.Child("fwmark"), set.FWMark)
	if !ok {
		return nil, false
	}
	text := fmt.Sprintf("0x%x", mark)
	if set.FWMask != nil {
		mask, ok := markNumber(at.Child("fwmask"), set.FWMask)
		if !ok {
			return nil, false
		}
		text += fmt.Sprintf("/0x%x", mask)
	}
	return []string{"fwmark", text}, true
}

func markNumber(at report.Field, value any) (uint32, bool) {
	text, _ := scalar(value)
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		at.Invalid(text, "must be a number of 32 bits, like 0x20")
	}
	return uint32(n), err == nil
}

// ruleFamily finds the interface that a rule comes and goes with: the one that it names, one
// with a route in the table, one whose routes of DHCP are in it, or the first.
func (t *translation) ruleFamily(at report.Field, set *Rule, v6 bool) *family {
	if set.IIF != "" {
		iif := at.Child("iif")
		p := t.byName[set.IIF]
		switch {
		case p == nil || p.state == absent:
			iif.NotFound(set.IIF, "no interface has this name")
			return nil
		case p.byMAC:
			iif.Invalid(set.IIF, "is identified by its MAC address, so its name is not known")
			return nil
		case p.controller == nil && p.family(v6).enabled:
			return p.family(v6)
		}
	}
	wanted := table(set.Table)
	for _, fits := range []func(*family) bool{
		func(f *family) bool {
			return slices.ContainsFunc(f.routes, func(r route) bool { return r.table == wanted })
		},
		func(f *family) bool { return f.auto() && f.table != 0 && f.table == wanted },
		func(*family) bool { return true },
	} {
		for _, p := range t.profiles {
			if f := p.family(v6); f.enabled && f.method() != "disabled" && fits(f) {
				return f
			}
		}
	}
	if !t.at.Child("interfaces").Broken() {
		protocol := (&family{v6: v6}).protocol()
		at.NotFound(protocol, "no interface has addresses of this protocol")
	}
	return nil
}
