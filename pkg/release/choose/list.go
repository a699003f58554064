package choose

import (
	"context"
	"fmt"
	"slices"

	"github.com/okd-install/okd-install/pkg/release/updates"
	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Listed is a release that there is.
type Listed struct {
	Version   string `json:"version"`
	Channel   string `json:"channel,omitempty"` // empty: only the repository has it
	PullSpec  string `json:"pullSpec"`
	URL       string `json:"url,omitempty"` // what the update service says about it
	Candidate bool   `json:"candidate"`
	Supported bool   `json:"supported"` // this installer is made for its minor version
}

// List are the releases that there are, the newest first: those of the stable
// channels or of the channel named and, with all, the candidates and what only the
// repository has. The notes say what could not be asked. It fails with *Error if
// nobody answers.
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
		case l.Channel == "stable-"+v.Minor().String(): // its own, rather than that of the next minor version
			list[at] = l
		}
	}
	failure.ServiceCause = s.each(ctx, s.listed(all), func(channel string, g updates.Graph) {
		for _, n := range g.Nodes {
			if channel == s.Channel || !n.Version.Candidate() || all {
				add(n.Version, Listed{Channel: channel, PullSpec: n.Payload, URL: n.Metadata["url"]})
			}
		}
	})
	if failure.ServiceCause != nil {
		notes = append(notes, fmt.Sprintf("the update service %s could not be asked: %v", s.Updates.Name(), failure.ServiceCause))
	}
	if all || failure.ServiceCause != nil {
		var tags []versions.Version
		if tags, failure.RepositoryCause = s.tags(ctx); failure.RepositoryCause != nil {
			notes = append(notes, fmt.Sprintf("the repository %s could not be asked: %v", s.Repository, shortened(failure.RepositoryCause)))
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
		va, _ := versions.Parse(a.Version) // they were versions above
		vb, _ := versions.Parse(b.Version)
		return versions.Compare(vb, va)
	})
	return list, notes, nil
}

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

// each asks for one channel after the other, until the service fails.
func (s Sources) each(ctx context.Context, channels []string, do func(string, updates.Graph)) error {
	if err := s.Updates.Check(); err != nil {
		return err
	}
	for _, channel := range channels {
		graph, err := s.Updates.Channel(ctx, channel)
		if err != nil {
			return err
		}
		do(channel, graph)
	}
	return nil
}
