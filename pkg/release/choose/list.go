package choose

import (
	"context"
	"fmt"
	"slices"

	"github.com/okd-install/okd-install/pkg/release/updates"
	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Listed is an existing release.
type Listed struct {
	Version   string `json:"version"`
	Channel   string `json:"channel,omitempty"` // empty: only the repository has it
	PullSpec  string `json:"pullSpec"`
	URL       string `json:"url,omitempty"` // of its description, from the update service
	Candidate bool   `json:"candidate"`
	Supported bool   `json:"supported"` // by this installer
}

// List returns the existing releases, the newest first: those of the stable channels or of s.Channel and, with all,
// also candidates and what only the repository has. The notes name sources that could not be queried. It fails with
// *Error if no source answers.
func (s Sources) List(ctx context.Context, all bool) (list []Listed, notes []string, err error) {
	failure := &Error{Service: s.Updates.Name(), Repository: s.Repository}
	seen := map[string]int{}
	add := func(v versions.Version, l Listed) {
		l.Version, l.Candidate, l.Supported = v.String(), v.Candidate(), v.Minor().Supported()
		at, known := seen[v.String()]
		switch {
		case !known:
			seen[v.String()] = len(list)
			list = append(list, l)
		case l.Channel == "stable-"+v.Minor().String(): // rather than the channel of the next minor version
			list[at] = l
		}
	}
	failure.ServiceCause = s.Updates.Check()
	for _, channel := range s.listed(all) {
		if failure.ServiceCause != nil {
			break
		}
		var g updates.Graph
		g, failure.ServiceCause = s.Updates.Channel(ctx, channel)
		for _, n := range g.Nodes {
			if channel == s.Channel || !n.Version.Candidate() || all {
				add(n.Version, Listed{Channel: channel, PullSpec: n.Payload, URL: n.Metadata["url"]})
			}
		}
	}
	if failure.ServiceCause != nil {
		notes = append(notes, serviceNote(s.Updates.Name(), failure.ServiceCause))
	}
	if all || failure.ServiceCause != nil {
		var tags []versions.Version
		if tags, failure.RepositoryCause = s.tags(ctx); failure.RepositoryCause != nil {
			notes = append(notes, fmt.Sprintf("the repository %s could not be queried: %v",
				s.Repository, shortened(failure.RepositoryCause)))
		}
		for _, v := range tags {
			if all || !v.Candidate() {
				add(v, Listed{PullSpec: s.Repository + ":" + v.String()})
			}
		}
	}
	if failure.ServiceCause != nil && failure.RepositoryCause != nil {
		return nil, notes, failure
	}
	slices.SortFunc(list, func(a, b Listed) int {
		va, _ := versions.Parse(a.Version) // made from versions above
		vb, _ := versions.Parse(b.Version)
		return versions.Compare(vb, va)
	})
	return list, notes, nil
}

// listed returns the channels to list.
func (s Sources) listed(all bool) []string {
	if s.Channel != "" {
		return []string{s.Channel}
	}
	var list []string
	for _, kind := range []string{"stable-", "candidate-"} {
		for _, m := range versions.Supported() {
			if all || kind == "stable-" {
				list = append(list, kind+m.String())
			}
		}
	}
	return list
}
