package console

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Page renders a view: at most 24 lines of at most 80 columns. The first line has the time,
// and nothing else that changes by itself.
func Page(v View) []string {
	p := &page{}
	what := "installation"
	if v.Config.Join != nil {
		what = "new node"
	}
	p.line("OKD cluster %s.%s: %s%s", v.Config.ClusterName, v.Config.BaseDomain, what,
		rightOf(v.Now.Format("2006-01-02 15:04:05 UTC")))
	p.line("")
	self := p.self(v)
	p.line("")
	if v.Status == nil {
		p.unreachable(v, self)
		return p.fit()
	}
	p.hosts(v.Status, self.ID)
	// What the installation waits for has its place, however much there is above.
	end := &page{}
	end.waiting(v.Status)
	p.checks(v.Status.Hosts, self.ID, height-len(end.lines))
	p.lines = append(p.lines, end.lines...)
	return p.fit()
}

// rightOf marks what is moved to the right margin.
func rightOf(s string) string { return "\t" + s }

// page collects lines.
type page struct{ lines []string }

// line adds one line, cut to the width.
func (p *page) line(format string, args ...any) {
	left, right, _ := strings.Cut(fmt.Sprintf(format, args...), "\t")
	left = clean(left)
	if right != "" {
		left = cut(left, width-2-len(right))
		left += strings.Repeat(" ", width-len([]rune(left))-len(right)) + right
	}
	p.lines = append(p.lines, strings.TrimRight(cut(left, width), " "))
}

// text adds text over several lines, at most most; those after the first are indented.
func (p *page) text(most int, first, text string) {
	indent := strings.Repeat(" ", min(len([]rune(first)), 11))
	first = clean(first)
	line, n := first, 1
	for _, word := range strings.Fields(clean(text)) {
		if len([]rune(line+" "+word)) > width {
			if n == most {
				line += " " + word
				break
			}
			p.lines = append(p.lines, cut(line, width))
			line = indent
			n++
		}
		line += " " + word
	}
	p.lines = append(p.lines, cut(line, width))
}

// fit drops what is below the page.
func (p *page) fit() []string {
	if len(p.lines) > height {
		p.lines = append(p.lines[:height-1], "...")
	}
	return p.lines
}

// clean drops what a terminal would obey: texts come from firmware and from programs.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

func cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:max(n-3, 0)]) + "..."
}

// self says who this host is.
func (p *page) self(v View) agent.HostStatus {
	if v.Self == nil {
		p.line("This host      not known yet: the agent has not looked at it (okd-agent.service)")
		return agent.HostStatus{}
	}
	h := v.Self.Host
	if v.Status != nil {
		if i := slices.IndexFunc(v.Status.Hosts, func(o agent.HostStatus) bool { return o.ID == h.ID }); i >= 0 {
			h = v.Status.Hosts[i]
		}
	}
	p.line("This host      %s, %s", cmp.Or(h.Hostname, "without a name"), cmp.Or(h.Role, "role not decided yet"))
	none := "none: check cable, DHCP and the network of " + v.Config.HostsFile()
	p.line("Addresses      %s", cmp.Or(addresses(h.Addresses), none))
	if v.Config.Join != nil {
		return h
	}
	where := v.Config.Rendezvous.String()
	if v.Self.Host.Rendezvous {
		where += ", which is this host"
	}
	p.line("Rendezvous     %s", where)
	return h
}

func addresses(list []netip.Addr) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// unreachable is the page of a host that is on its own.
func (p *page) unreachable(v View, self agent.HostStatus) {
	why := ""
	switch {
	case v.Self != nil && v.Self.Contact != "":
		why = v.Self.Contact
	case v.Error != nil:
		why = v.Error.Error()
	}
	p.text(3, "No answer:", why)
	if v.Self != nil && !v.Self.Host.Rendezvous {
		p.text(2, "->", "the host with address "+v.Config.Rendezvous.String()+" must be booted from the same image")
		p.text(2, "->", "if this host was installed already, remove the medium and boot from its disk")
	}
	p.line("")
	if self.Stage != "" {
		p.line("Stage          %s", stage(self))
	}
	p.checks([]agent.HostStatus{self}, self.ID, height)
}

// maxRows is how many hosts have a line; the others are counted.
const maxRows = 8

func (p *page) hosts(s *agent.Status, self string) {
	p.line("  %-22s %-8s %-16s %-14s %s", "HOST", "ROLE", "ADDRESS", "STAGE", "")
	rows := slices.Clone(s.Hosts)
	slices.SortStableFunc(rows, func(a, b agent.HostStatus) int { return urgency(b) - urgency(a) })
	rows = rows[:min(len(rows), maxRows)]
	for _, h := range s.Hosts { // in the order of the service
		if !slices.ContainsFunc(rows, func(r agent.HostStatus) bool { return r.ID == h.ID }) {
			continue
		}
		mark, address := "  ", ""
		if h.ID == self {
			mark = "> "
		}
		if len(h.Addresses) > 0 {
			address = h.Addresses[0].String()
		}
		p.line("%s%-22s %-8s %-16s %s", mark, cut(h.Hostname, 22), cmp.Or(h.Role, "-"), address, stage(h))
	}
	if more := len(s.Hosts) - len(rows); more > 0 {
		p.line("  and %d more", more)
	}
	if s.Missing > 0 {
		text := fmt.Sprintf("%d not registered", s.Missing)
		if len(s.MissingNames) > 0 {
			text += ": " + strings.Join(s.MissingNames, ", ")
		}
		p.text(2, " ", text)
		p.text(2, "    ->", "boot it from the same image, even if its disk was written")
	}
}

// urgency orders hosts by how much they need somebody.
func urgency(h agent.HostStatus) int {
	switch {
	case h.Problem != nil:
		return 3
	case h.Silent:
		return 2
	case h.Stage != agent.Joined:
		return 1
	}
	return 0
}

// stage is how far a host is, and what is the matter.
func stage(h agent.HostStatus) string {
	text := string(h.Stage)
	switch {
	case h.Problem != nil:
		return text + ": " + h.Problem.Message
	case h.Silent:
		return "silent since " + h.LastHeard.UTC().Format(time.TimeOnly)
	case h.Stage == agent.Writing && h.Percent > 0:
		return fmt.Sprintf("%s %d %%", text, h.Percent)
	case h.Stage == agent.Discovering && len(h.Checks) > 0:
		n := 0
		for _, c := range h.Checks {
			if c.Blocks() {
				n++
			}
		}
		if n > 0 {
			return fmt.Sprintf("%s, %d checks", text, n)
		}
	}
	return text
}

// checks lists those that block, this host's first, as far as there is room for them.
func (p *page) checks(hosts []agent.HostStatus, self string, room int) {
	hosts = slices.Clone(hosts)
	slices.SortStableFunc(hosts, func(a, b agent.HostStatus) int {
		return boolOrder(a.ID != self) - boolOrder(b.ID != self)
	})
	list := &page{}
	for _, h := range hosts {
		for _, c := range h.Checks {
			if !c.Blocks() {
				continue
			}
			one := &page{}
			one.text(2, mark(c)+" "+h.Hostname+", "+c.ID+":", c.Message)
			if c.Next != "" {
				one.text(2, "    ->", c.Next)
			}
			if len(p.lines)+1+len(list.lines)+len(one.lines) <= room {
				list.lines = append(list.lines, one.lines...)
			}
		}
	}
	if len(list.lines) > 0 {
		p.line("")
		p.lines = append(p.lines, list.lines...)
	}
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mark(c agent.Check) string {
	if c.Result == agent.Pending {
		return "..."
	}
	return "[!]"
}

// waiting is what the installation waits for, and what somebody has to do.
func (p *page) waiting(s *agent.Status) {
	p.line("")
	if s.Problem != nil {
		p.text(3, "Problem:", s.Problem.Message)
		if s.Problem.Next != "" {
			p.text(2, "->", s.Problem.Next)
		}
	}
	if s.Waiting != "" {
		p.text(3, "Waits for:", s.Waiting)
		return
	}
	p.line("This part of the installation is done; the hosts start from their disks.")
}
