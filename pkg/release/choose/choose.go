package choose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/updates"
	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Sources are where releases are found.
type Sources struct {
	Updates    updates.Service
	Repository string // of release images, tagged by version
	Registry   release.Options
	// Channel is the only channel to look in; empty for the stable ones.
	Channel string
}

// Choice is one release.
type Choice struct {
	PullSpec string // by digest
	Version  string // empty if the image could not be read
	From     string // where it was found, for messages
	// Notes name the sources that could not be queried.
	Notes []string
}

// Choose finds the release. It fails with *Error, and for a pull spec with *release.Error.
func (s Sources) Choose(ctx context.Context, want Want) (Choice, error) {
	if want.spec != "" {
		return s.image(ctx, want.spec)
	}
	failure := &Error{Asked: want.text, Service: s.Updates.Name(), Repository: s.Repository}
	choice, known, err := s.fromService(ctx, want, failure)
	if err == nil {
		return choice, nil
	}
	failure.ServiceCause = err
	fromTag, tags, err := s.fromRepository(ctx, want)
	if err == nil {
		if !errors.Is(failure.ServiceCause, errAbsent) {
			fromTag.Notes = append(fromTag.Notes, serviceNote(s.Updates.Name(), failure.ServiceCause))
		}
		return fromTag, nil
	}
	failure.RepositoryCause = err
	if want.minor != nil {
		failure.Nearest = versions.Nearest(append(known, tags...), *want.minor, 3)
	}
	return Choice{}, failure
}

func serviceNote(name string, cause error) string {
	return fmt.Sprintf("the update service %s could not be queried: %v", name, cause)
}

// errAbsent is the cause if a source answered that it has no such release.
var errAbsent = errors.New("it has no such release")

// channels are the channels to query, the most likely first. A stable channel also has the minor version before it.
func (s Sources) channels(want Want) []string {
	if s.Channel != "" {
		return []string{s.Channel}
	}
	var list []string
	if want.minor == nil {
		for _, m := range versions.Supported() {
			list = append(list, "stable-"+m.String())
		}
		return list
	}
	next, further := want.minor.Next()
	for _, kind := range []string{"stable", "candidate"} {
		if v, err := versions.Parse(want.exact); kind == "candidate" && (err != nil || !v.Candidate()) {
			continue
		}
		list = append(list, kind+"-"+want.minor.String())
		if further {
			list = append(list, kind+"-"+next.String())
		}
	}
	return list
}

func (s Sources) fromService(ctx context.Context, want Want, f *Error) (Choice, []versions.Version, error) {
	if err := s.Updates.Check(); err != nil {
		return Choice{}, nil, err
	}
	var known []versions.Version
	for _, channel := range s.channels(want) {
		f.Channels = append(f.Channels, channel)
		graph, err := s.Updates.Channel(ctx, channel)
		if err != nil {
			return Choice{}, known, err
		}
		known = append(known, graph.Versions()...)
		best, ok := versions.Newest(graph.Versions(), s.fits(want))
		if !ok {
			continue
		}
		node, _ := graph.Node(best.String())
		from := "update service " + s.Updates.Name() + ", channel " + channel
		choice := Choice{Version: best.String(), PullSpec: node.Payload, From: from}
		return choice, known, s.pin(ctx, &choice)
	}
	return Choice{}, known, errAbsent
}

// fits returns a filter for what is wanted. Candidates fit only if they were asked for.
func (s Sources) fits(want Want) func(versions.Version) bool {
	candidates := s.Channel != "" && !strings.HasPrefix(s.Channel, "stable")
	return func(v versions.Version) bool { return want.fits(v) && (candidates || want.stable(v)) }
}

// pin replaces a tag by its current digest.
func (s Sources) pin(ctx context.Context, c *Choice) error {
	if _, _, ok := release.ByDigest(c.PullSpec); ok {
		return nil
	}
	digest, err := release.Resolve(ctx, c.PullSpec, s.Registry)
	if err != nil {
		return err
	}
	repository := c.PullSpec
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	c.PullSpec = repository + "@" + digest
	return nil
}

func (s Sources) fromRepository(ctx context.Context, want Want) (Choice, []versions.Version, error) {
	if err := release.CheckRepository(s.Repository); err != nil {
		return Choice{}, nil, err
	}
	choice := Choice{From: "repository " + s.Repository}
	if want.exact != "" { // one request, where the list of tags may take many
		choice.Version, choice.PullSpec = want.exact, s.Repository+":"+want.exact
		err := s.pin(ctx, &choice)
		if err == nil {
			return choice, nil, nil
		}
		if !notFound(err) {
			return Choice{}, nil, err
		}
	}
	tags, err := s.tags(ctx)
	if notFound(err) {
		err = errAbsent // the repository does not exist
	}
	if err != nil {
		return Choice{}, nil, err
	}
	best, ok := versions.Newest(tags, s.fits(want))
	if !ok {
		return Choice{}, tags, errAbsent
	}
	choice.Version, choice.PullSpec = best.String(), s.Repository+":"+best.String()
	return choice, tags, s.pin(ctx, &choice)
}

// tags lists the versions in the repository.
func (s Sources) tags(ctx context.Context) ([]versions.Version, error) {
	texts, err := release.Tags(ctx, s.Repository, s.Registry)
	if err != nil {
		return nil, err
	}
	var list []versions.Version
	for _, text := range texts {
		if v, err := versions.Parse(text); err == nil {
			list = append(list, v)
		}
	}
	return list, nil
}

func notFound(err error) bool {
	var failure *release.Error
	return errors.As(err, &failure) && failure.Kind == release.NotFound
}

// image inspects a pull spec. One by digest is accepted without its registry too; then only its version is not known.
func (s Sources) image(ctx context.Context, spec string) (Choice, error) {
	choice := Choice{PullSpec: spec, From: "the pull spec"}
	rel, err := release.Inspect(ctx, spec, s.Registry)
	if err == nil {
		choice.PullSpec, choice.Version = rel.PullSpec, rel.Version
		return choice, nil
	}
	var failure *release.Error
	_, _, byDigest := release.ByDigest(spec)
	final := errors.As(err, &failure) && slices.Contains([]release.Kind{release.Invalid, release.NotFound}, failure.Kind)
	if !byDigest || final {
		return Choice{}, err
	}
	choice.Notes = append(choice.Notes, fmt.Sprintf("its version is not known: %v", err))
	return choice, nil
}
