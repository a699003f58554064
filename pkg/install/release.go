package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/choose"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/version"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// ReleaseOptions are the flags that say which release to install, and where such
// questions are asked. Empty ones are replaced by the environment and by defaults.
type ReleaseOptions struct {
	Want           string // VERSION, latest or PULLSPEC
	Channel        string
	UpdateService  string // URL of the graph
	Repository     string
	SignatureStore string // URL
	Key            string // file with the public keys of those who may sign
}

// pinRelease settles which release is installed: what the environment says, what
// --release says, what an earlier run chose, what is built in. Without any of them
// the newest one is proposed, if a release is needed.
func (a *App) pinRelease(ctx context.Context, inst *assets.Installer, needed bool) error {
	known, err := inst.Pin()
	if err != nil {
		return a.classify(err)
	}
	override, want := ReleaseOverride(a.Getenv), a.Options.Release.Want
	next := known
	switch {
	case override != "":
		if want != "" {
			event.Warn(a.Sink, envReleaseImage+" is set and wins: --release "+want+" is ignored", "image", override)
		}
		next = a.pinOverride(inst, known, override)
	case want != "":
		next, err = a.pinWanted(ctx, inst, known, want)
	case !known.IsZero() && (!known.BuiltIn || version.Release() == "" || inst.Started()):
	case version.Release() != "":
		next = assets.Pin{PullSpec: version.Release(), Version: version.ReleaseVersion(), From: "built in", BuiltIn: true}
	case needed:
		next, err = a.propose(ctx, inst)
	default:
		return nil
	}
	if err != nil {
		return a.classify(err)
	}
	return a.classify(a.settle(ctx, inst, known, next))
}

// pinOverride takes the image that the environment names, unless machines run that
// were made from another one.
func (a *App) pinOverride(inst *assets.Installer, known assets.Pin, image string) assets.Pin {
	switch {
	case known.PullSpec == image:
		return known
	case inst.Started() && !known.IsZero():
		event.Warn(a.Sink, "machines were started from another release; "+envReleaseImage+" has no effect", "release", known.PullSpec)
		return known
	}
	return assets.Pin{PullSpec: image, From: envReleaseImage}
}

// pinWanted finds the release that --release asks for, unless that is the one which
// an earlier run chose.
func (a *App) pinWanted(ctx context.Context, inst *assets.Installer, known assets.Pin, text string) (assets.Pin, error) {
	want, err := choose.Parse(text)
	if err != nil {
		return known, exit.New("see `"+a.self()+" release list`",
			"invalid --release: %w", err)
	}
	if !known.IsZero() && want.MetBy(known.Asked, known.Version, known.PullSpec) {
		return known, nil
	}
	refuse := func() (assets.Pin, error) {
		return known, exit.With(exit.Other, "leave --release out, which goes on with "+named(known)+"; another release needs another directory, or `"+a.command("destroy cluster")+
			"` first; a finished cluster is updated with `oc adm upgrade`", fmt.Errorf("machines were started from release %s; --release %s asks for another one", named(known), text))
	}
	if inst.Started() && known.Version != "" {
		return refuse()
	}
	choice, err := a.choose(ctx, inst, want)
	if err != nil {
		return known, err
	}
	_, before, _ := strings.Cut(known.PullSpec, "@")
	_, now, _ := strings.Cut(choice.PullSpec, "@")
	if inst.Started() && before != now {
		return refuse()
	}
	return a.chosen(choice, text), nil
}

// named is a release in words.
func named(p assets.Pin) string {
	if p.Version == "" {
		return p.PullSpec
	}
	return p.Version + " (" + p.PullSpec + ")"
}

// choose asks the sources for a release.
func (a *App) choose(ctx context.Context, inst *assets.Installer, want choose.Want) (choose.Choice, error) {
	cfg, err := inst.Settings(ctx)
	if err != nil {
		return choose.Choice{}, err
	}
	a.Hide(cfg.Secrets()...)
	src, err := a.sources(cfg)
	if err != nil {
		return choose.Choice{}, err
	}
	event.ProgressOf(a.Sink, "looking for release "+want.String())
	choice, err := src.Choose(ctx, want)
	for _, note := range choice.Notes {
		event.Warn(a.Sink, note)
	}
	return choice, err
}

func (a *App) chosen(c choose.Choice, asked string) assets.Pin {
	return assets.Pin{PullSpec: c.PullSpec, Version: c.Version, Asked: asked, From: c.From, Chosen: a.Clock.Now().UTC()}
}

// propose names the newest stable release where none was named: it is taken only
// if somebody says so.
func (a *App) propose(ctx context.Context, inst *assets.Installer) (assets.Pin, error) {
	const none = "no release image is known: none was named, and none is built in"
	latest, err := choose.Parse(choose.Latest)
	if err != nil {
		return assets.Pin{}, err
	}
	choice, err := a.choose(ctx, inst, latest)
	var unknown *choose.Error
	if errors.As(err, &unknown) {
		return assets.Pin{}, exit.New(unknown.Next(),
			"%s; which is the newest could not be found out: %w", none, err)
	}
	if err != nil {
		return assets.Pin{}, err
	}
	if a.Asker == nil {
		return assets.Pin{}, exit.New(a.self()+" "+a.Command+" --release "+choice.Version,
			"%s; the newest stable one is %s", none, choice.Version)
	}
	answer, err := a.Asker.Input(ctx, wizard.Question{
		Message: "OKD release to install:",
		Help:    "The newest stable release is " + choice.Version + " (" + choice.PullSpec + "). A version, as in 5.0 or 4.20.0-okd-scos.17, or a pull spec by digest.",
	}, choice.Version, func(text string) error {
		_, err := choose.Parse(text)
		return err
	})
	if errors.Is(err, wizard.ErrInterrupted) {
		return assets.Pin{}, fmt.Errorf("%w at a question: nothing was created", exit.ErrInterrupted)
	}
	if err != nil {
		return assets.Pin{}, fmt.Errorf("ask for the release: %w", err)
	}
	if answer != choice.Version {
		want, err := choose.Parse(answer)
		if err != nil {
			return assets.Pin{}, err
		}
		if choice, err = a.choose(ctx, inst, want); err != nil {
			return assets.Pin{}, err
		}
	}
	return a.chosen(choice, answer), nil
}

// settle checks the signature of the release that was chosen, and remembers it.
func (a *App) settle(ctx context.Context, inst *assets.Installer, known, next assets.Pin) error {
	fresh := next.PullSpec != known.PullSpec
	if err := a.checkSignature(ctx, inst, &next, fresh); err != nil {
		return err
	}
	if fresh && !next.BuiltIn && next.From != envReleaseImage {
		if !known.IsZero() {
			event.Info(a.Sink, "Another release than before: nothing was started from "+named(known))
		}
		event.Info(a.Sink, "Release "+named(next)+" is installed; later commands in this directory go on with it", "from", next.From)
	}
	if v, err := versions.Parse(next.Version); err == nil && fresh && !v.Minor().Supported() {
		event.Warn(a.Sink, fmt.Sprintf("this installer is made for OKD %s to %s; release %s may need what it does not do", oldest(), versions.Supported()[0], next.Version))
	}
	if next == known {
		return nil
	}
	return inst.SetPin(next)
}

func oldest() versions.Minor {
	list := versions.Supported()
	return list[len(list)-1]
}

// checkSignature verifies the digest that will be pulled, if there is a key, unless
// that was done before. A tag is pinned for it.
func (a *App) checkSignature(ctx context.Context, inst *assets.Installer, pin *assets.Pin, fresh bool) error {
	keys, err := a.releaseKeys()
	switch {
	case err != nil:
		return err
	case keys == nil:
		if fresh && !pin.BuiltIn && pin.From != envReleaseImage {
			event.Info(a.Sink, "The release's signature was not checked: no key was given (--release-key)")
		}
		return nil
	case pin.SignedBy != "" && !fresh && keys.Has(pin.SignedBy):
		return nil
	}
	cfg, err := inst.Settings(ctx)
	if err != nil {
		return err
	}
	a.Hide(cfg.Secrets()...)
	if _, _, ok := release.ByDigest(pin.PullSpec); !ok {
		want, err := choose.Parse(pin.PullSpec)
		if err != nil {
			return err
		}
		choice, err := a.choose(ctx, inst, want)
		if err != nil {
			return err
		}
		pin.PullSpec, pin.Version = choice.PullSpec, choice.Version
	}
	_, digest, _ := release.ByDigest(pin.PullSpec)
	signed, err := a.verify(ctx, cfg, *keys, digest)
	if err != nil {
		return err
	}
	pin.SignedBy = signed.By
	event.Info(a.Sink, "The release is signed", "key", signed.By, "on", signed.At.Format("2006-01-02"))
	return nil
}
