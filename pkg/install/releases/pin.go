package releases

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/choose"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/version"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Assets are those of the installation, as far as the release is concerned.
type Assets interface {
	// Pin is what an earlier run chose, the zero value if there was none.
	Pin() (assets.Pin, error)
	SetPin(pin assets.Pin) error
	// Started reports whether machines may have been made from the pinned release.
	Started() bool
	// Settings are the install-config, or as much of it as there is.
	Settings(ctx context.Context) (*types.InstallConfig, error)
}

// Pin settles which release is installed: what the environment says, what --release says, what an earlier run chose,
// what is built in. Without any of them the newest one is proposed, if a release is needed.
func Pin(ctx context.Context, e *install.Env, o Options, inst Assets, needed bool) error {
	f := finder{e, o}
	known, err := inst.Pin()
	if err != nil {
		return f.Explain(err)
	}
	override, want := install.ReleaseOverride(f.Getenv), f.Options.Want
	next := known
	switch {
	case override != "":
		if want != "" {
			event.Warn(f.Sink, install.EnvReleaseImage+" is set and wins: --release "+want+" is ignored",
				"image", override)
		}
		next = f.pinOverride(inst, known, override)
	case want != "":
		next, err = f.pinWanted(ctx, inst, known, want)
	case !known.IsZero() && (!known.BuiltIn || version.Release() == "" || inst.Started()):
	case version.Release() != "":
		next = assets.Pin{
			PullSpec: version.Release(), Version: version.ReleaseVersion(), From: "built in", BuiltIn: true,
		}
	case needed:
		next, err = f.propose(ctx, inst)
	default:
		return nil
	}
	if err != nil {
		return f.Explain(err)
	}
	return f.Explain(f.settle(ctx, inst, known, next))
}

// pinOverride takes the image that the environment names, unless machines run that were made from another one.
func (f finder) pinOverride(inst Assets, known assets.Pin, image string) assets.Pin {
	switch {
	case known.PullSpec == image:
		return known
	case inst.Started() && !known.IsZero():
		event.Warn(f.Sink, "machines were started from another release; "+install.EnvReleaseImage+" has no effect",
			"release", known.PullSpec)
		return known
	}
	return assets.Pin{PullSpec: image, From: install.EnvReleaseImage}
}

// pinWanted finds the release that --release asks for, unless that is the one which an earlier run chose.
func (f finder) pinWanted(ctx context.Context, inst Assets, known assets.Pin, text string) (assets.Pin, error) {
	want, err := choose.Parse(text)
	if err != nil {
		return known, exit.New("see `"+f.Self()+" release list`", "invalid --release: %w", err)
	}
	if !known.IsZero() && want.MetBy(known.Asked, known.Version, known.PullSpec) {
		return known, nil
	}
	refuse := func() (assets.Pin, error) {
		return known, exit.New("leave --release out, which goes on with "+named(known)+"; another release needs "+
			"another directory, or "+f.Quoted("destroy cluster")+" first; "+
			"a finished cluster is updated with `oc adm upgrade`",
			"machines were started from release %s; --release %s asks for another one", named(known), text)
	}
	if inst.Started() && known.Version != "" {
		return refuse()
	}
	choice, err := f.choose(ctx, inst, want)
	if err != nil {
		return known, err
	}
	_, before, _ := strings.Cut(known.PullSpec, "@")
	_, now, _ := strings.Cut(choice.PullSpec, "@")
	if inst.Started() && before != now {
		return refuse()
	}
	return f.chosen(choice, text), nil
}

// named is a release in words.
func named(p assets.Pin) string {
	if p.Version == "" {
		return p.PullSpec
	}
	return p.Version + " (" + p.PullSpec + ")"
}

// choose asks the sources for a release.
func (f finder) choose(ctx context.Context, inst Assets, want choose.Want) (choose.Choice, error) {
	cfg, err := inst.Settings(ctx)
	if err != nil {
		return choose.Choice{}, err
	}
	f.Hide(cfg.Secrets()...)
	src, err := f.sources(cfg)
	if err != nil {
		return choose.Choice{}, err
	}
	event.ProgressOf(f.Sink, "looking for release "+want.String())
	choice, err := src.Choose(ctx, want)
	f.warn(choice.Notes)
	return choice, err
}

func (f finder) chosen(c choose.Choice, asked string) assets.Pin {
	return assets.Pin{PullSpec: c.PullSpec, Version: c.Version, Asked: asked, From: c.From, Chosen: f.Clock.Now().UTC()}
}

// propose names the newest stable release where none was named: it is taken only if somebody says so.
func (f finder) propose(ctx context.Context, inst Assets) (assets.Pin, error) {
	const none = "no release image is known: none was named, and none is built in"
	latest, err := choose.Parse(choose.Latest)
	if err != nil {
		return assets.Pin{}, err
	}
	choice, err := f.choose(ctx, inst, latest)
	var unknown *choose.Error
	if errors.As(err, &unknown) {
		return assets.Pin{}, exit.New(unknown.Next(), "%s; which is the newest could not be found out: %w", none, err)
	}
	if err != nil {
		return assets.Pin{}, err
	}
	if f.Asker == nil {
		return assets.Pin{}, exit.New(f.Self()+" "+f.Command+" --release "+choice.Version,
			"%s; the newest stable one is %s", none, choice.Version)
	}
	answer, err := f.ask(ctx, choice)
	if err != nil {
		return assets.Pin{}, err
	}
	if answer != choice.Version {
		want, err := choose.Parse(answer)
		if err != nil {
			return assets.Pin{}, err
		}
		if choice, err = f.choose(ctx, inst, want); err != nil {
			return assets.Pin{}, err
		}
	}
	return f.chosen(choice, answer), nil
}

// ask lets the person at the terminal take the newest release, or name another.
func (f finder) ask(ctx context.Context, newest choose.Choice) (string, error) {
	answer, err := f.Asker.Input(ctx, wizard.Question{
		Message: "OKD release to install:",
		Help: "The newest stable release is " + newest.Version + " (" + newest.PullSpec + "). " +
			"A version, as in 5.0 or 4.20.0-okd-scos.17, or a pull spec by digest.",
	}, newest.Version, func(text string) error {
		_, err := choose.Parse(text)
		return err
	})
	switch {
	case errors.Is(err, wizard.ErrInterrupted):
		return "", fmt.Errorf("%w at a question: nothing was created", exit.ErrInterrupted)
	case err != nil:
		return "", fmt.Errorf("ask for the release: %w", err)
	}
	return answer, nil
}

// settle checks the signature of the release that was chosen, and remembers it.
func (f finder) settle(ctx context.Context, inst Assets, known, next assets.Pin) error {
	fresh := next.PullSpec != known.PullSpec
	if err := f.checkSignature(ctx, inst, &next, fresh); err != nil {
		return err
	}
	if fresh && !next.BuiltIn && next.From != install.EnvReleaseImage {
		if !known.IsZero() {
			event.Info(f.Sink, "Another release than before: nothing was started from "+named(known))
		}
		event.Info(f.Sink, "Release "+named(next)+" is installed; later commands in this directory go on with it",
			"from", next.From)
	}
	if v, err := versions.Parse(next.Version); err == nil && fresh && !v.Minor().Supported() {
		made := versions.Supported()
		event.Warn(f.Sink, fmt.Sprintf("this installer is made for OKD %s to %s; "+
			"release %s may need what it does not do", made[len(made)-1], made[0], next.Version))
	}
	if next == known {
		return nil
	}
	return inst.SetPin(next)
}

// checkSignature verifies the digest that will be pulled, if there is a key and no earlier check. It pins a tag for it.
func (f finder) checkSignature(ctx context.Context, inst Assets, pin *assets.Pin, fresh bool) error {
	keys, err := f.releaseKeys()
	switch {
	case err != nil:
		return err
	case keys == nil:
		if fresh && !pin.BuiltIn && pin.From != install.EnvReleaseImage {
			event.Info(f.Sink, "The release's signature was not checked: no key was given (--release-key)")
		}
		return nil
	case pin.SignedBy != "" && !fresh && keys.Has(pin.SignedBy):
		return nil
	}
	cfg, err := inst.Settings(ctx)
	if err != nil {
		return err
	}
	f.Hide(cfg.Secrets()...)
	if _, _, ok := release.ByDigest(pin.PullSpec); !ok {
		want, err := choose.Parse(pin.PullSpec)
		if err != nil {
			return err
		}
		choice, err := f.choose(ctx, inst, want)
		if err != nil {
			return err
		}
		pin.PullSpec, pin.Version = choice.PullSpec, choice.Version
	}
	_, digest, _ := release.ByDigest(pin.PullSpec)
	signed, err := f.verify(ctx, cfg, *keys, digest)
	if err != nil {
		return err
	}
	pin.SignedBy = signed.By
	event.Info(f.Sink, "The release is signed", "key", signed.By, "on", signed.At.Format("2006-01-02"))
	return nil
}
