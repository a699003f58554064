package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/okd-install/okd-install/pkg/agent"
)

// maxHostname is the length of the longest name that a node's label can hold.
const maxHostname = 63

func hostname(_ context.Context, in *Input, _ *World) agent.Check {
	next := "give the host a hostname in " + in.Config.HostsFile() + " and make the image again, or one by DHCP"
	name := in.hostname()
	first, _, _ := strings.Cut(name, ".")
	switch {
	case name == "" || first == "localhost":
		return fail(next, "the host has no name of its own: it is called %q", name)
	case len(name) > maxHostname:
		return fail(next, "the hostname %s has %d characters; at most %d are allowed", name, len(name), maxHostname)
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return fail(next, "the hostname %q is not valid: %s", name, problems[0])
	}
	for _, p := range in.peers() {
		if p.Hostname == name {
			return fail(next, "another host is called %s, too (%s)", name, join(p.Addresses))
		}
	}
	return pass("%s", name)
}

// domain is that of the cluster.
func (in *Input) domain() string { return in.Config.ClusterName + "." + in.Config.BaseDomain }

// names resolves the names of the cluster. With virtual addresses its nodes resolve them
// themselves, and only users need records.
func names(ctx context.Context, in *Input, w *World) agent.Check {
	record := []struct {
		name string
		vips []netip.Addr
		ours bool // nodes ask for it
	}{
		{"api." + in.domain(), in.Config.APIVIPs, true},
		{"api-int." + in.domain(), in.Config.APIVIPs, false},
		{"console-openshift-console.apps." + in.domain(), in.Config.IngressVIPs, true},
	}
	var problems, resolved []string
	for _, r := range record {
		if !in.Config.ResolvedByOthers && !r.ours {
			continue
		}
		addresses, err := w.Resolver.LookupNetIP(ctx, "ip", r.name+".") // without the search list
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s does not resolve: %s", r.name, resolveCause(err)))
			continue
		}
		for i := range addresses {
			addresses[i] = addresses[i].Unmap()
		}
		wrong := func(a netip.Addr) bool { return !slices.Contains(r.vips, a) }
		if !in.Config.ResolvedByOthers && len(r.vips) > 0 && slices.ContainsFunc(addresses, wrong) {
			problems = append(problems, fmt.Sprintf("%s is %s, and the virtual address is %s", r.name, join(addresses),
				join(r.vips)))
			continue
		}
		resolved = append(resolved, fmt.Sprintf("%s is %s", r.name, join(addresses)))
	}
	switch {
	case len(problems) == 0:
		return pass("%s", strings.Join(resolved, "; "))
	case in.Config.ResolvedByOthers:
		return fail("add the records api, api-int and *.apps of the cluster to a name server that the hosts use",
			"%s", strings.Join(problems, "; "))
	}
	return warn("add the records api and *.apps of the cluster to a name server before users need them",
		"%s", strings.Join(problems, "; "))
}

// resolveCause leaves out the name, which DNS errors repeat.
func resolveCause(err error) string {
	var d *net.DNSError
	if !errors.As(err, &d) {
		return err.Error()
	}
	if d.Server != "" && !d.IsNotFound {
		return d.Err + " (name server " + d.Server + ")"
	}
	return d.Err
}

// wildcard resolves a name that nobody can have: a wildcard record of the base domain makes
// pods find it instead of names elsewhere.
func wildcard(ctx context.Context, in *Input, w *World) agent.Check {
	name := "no-such-host-" + strings.ToLower(rand.Text()[:12]) + "." + in.domain()
	addresses, err := w.Resolver.LookupNetIP(ctx, "ip", name+".")
	var d *net.DNSError
	switch {
	case err == nil && len(addresses) > 0:
		return fail(fmt.Sprintf("remove the record *.%s or *.%s from the name server; only *.apps.%s is one of the "+
			"cluster's",
			in.domain(), in.Config.BaseDomain, in.domain()), "%s, a name that was made up, resolves to %s", name,
			join(addresses))
	case err == nil || errors.As(err, &d) && d.IsNotFound:
		return pass("names in %s that nobody has do not resolve", in.domain())
	}
	return warn("see which name servers the host has, and whether they answer",
		"it could not be found out whether %s has a wildcard record: %s", in.domain(), resolveCause(err))
}
