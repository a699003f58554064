package releases

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/choose"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/version"
)

// List is the command release list: it prints the releases that there are, the newest first.
func List(ctx context.Context, e *install.Env, o Options, all bool, form string) error {
	f := finder{e, o}
	_, src, err := f.open()
	if err != nil {
		return err
	}
	list, notes, err := src.List(ctx, all)
	if err != nil {
		return f.Explain(err)
	}
	f.warn(notes)
	if form == "json" {
		return install.WriteJSON(f.Stdout, append([]choose.Listed{}, list...)) // never null
	}
	w := tabwriter.NewWriter(f.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tCHANNEL\tSUPPORTED\tPULL SPEC")
	for _, l := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Version, cmp.Or(l.Channel, "-"), yesNo(l.Supported), l.PullSpec)
	}
	return w.Flush()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// open reads the install-config, if there is one, and returns where releases are looked for.
func (f finder) open() (*types.InstallConfig, choose.Sources, error) {
	cfg, err := f.configIfAny()
	if err != nil {
		return nil, choose.Sources{}, err
	}
	src, err := f.sources(cfg)
	return cfg, src, err
}

func (f finder) warn(notes []string) {
	for _, note := range notes {
		event.Warn(f.Sink, note)
	}
}

// releaseInfo is what a release image says about itself.
type releaseInfo struct {
	Version    string    `json:"version"`
	PullSpec   string    `json:"pullSpec"`
	Digest     string    `json:"digest"`
	From       string    `json:"from"`
	Supported  bool      `json:"supported"`
	Kubernetes string    `json:"kubernetes,omitempty"`
	Components int       `json:"components"`
	OSImages   []osPlace `json:"osImages,omitempty"`
	// Signature is verified, or not checked.
	Signature string `json:"signature"`
	SignedBy  string `json:"signedBy,omitempty"`
}

type osPlace struct {
	Architecture string `json:"architecture"`
	Artifact     string `json:"artifact"`
	Format       string `json:"format"`
	Release      string `json:"release"`
	URL          string `json:"url"`
}

// Info is the command release info: it prints what a release image contains. Without a name it is the one of the
// directory, of the environment, the one built in, or else the newest.
func Info(ctx context.Context, e *install.Env, o Options, name, form string) error {
	f := finder{e, o}
	cfg, src, err := f.open()
	if err != nil {
		return err
	}
	if name == "" {
		if name, err = f.currentRelease(); err != nil {
			return f.Explain(err)
		}
	}
	want, err := choose.Parse(cmp.Or(name, choose.Latest))
	if err != nil {
		return exit.With(exit.Other, "see `"+f.Self()+" release list`", err)
	}
	choice, err := src.Choose(ctx, want)
	if err != nil {
		return f.Explain(err)
	}
	f.warn(choice.Notes)
	rel, err := release.Inspect(ctx, choice.PullSpec, src.Registry)
	if err != nil {
		return f.Explain(err)
	}
	info := infoOf(rel, choice.From)
	if err := f.noteSignature(ctx, cfg, &info); err != nil {
		return f.Explain(err)
	}
	if form == "json" {
		return install.WriteJSON(f.Stdout, info)
	}
	return f.printInfo(info)
}

func (f finder) noteSignature(ctx context.Context, cfg *types.InstallConfig, info *releaseInfo) error {
	keys, err := f.releaseKeys()
	if err != nil || keys == nil {
		info.Signature = "not checked"
		return err
	}
	signed, err := f.verify(ctx, cfg, *keys, info.Digest)
	info.Signature, info.SignedBy = "verified", signed.By
	return err
}

func infoOf(rel *release.Release, from string) releaseInfo {
	info := releaseInfo{
		Version: rel.Version, PullSpec: rel.PullSpec, Digest: rel.Digest, From: from,
		Kubernetes: rel.Kubernetes, Components: rel.Components(),
	}
	if v, err := versions.Parse(rel.Version); err == nil {
		info.Supported = v.Minor().Supported()
	}
	if rel.Stream == nil {
		return info
	}
	for arch, a := range rel.Stream.Architectures {
		for name, artifact := range a.Artifacts {
			for format, image := range artifact.Formats {
				if image.Disk != nil {
					info.OSImages = append(info.OSImages,
						osPlace{arch, name, format, artifact.Release, image.Disk.Location})
				}
			}
		}
	}
	slices.SortFunc(info.OSImages, func(a, b osPlace) int {
		return strings.Compare(a.Architecture+" "+a.Artifact+" "+a.Format, b.Architecture+" "+b.Artifact+" "+b.Format)
	})
	return info
}

func (f finder) printInfo(info releaseInfo) error {
	w := tabwriter.NewWriter(f.Stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	line("Version", info.Version)
	line("Pull spec", info.PullSpec)
	line("Found in", info.From)
	line("Supported", yesNo(info.Supported))
	line("Kubernetes", info.Kubernetes)
	line("Components", fmt.Sprint(info.Components))
	line("Signature", info.Signature)
	line("Signed by", info.SignedBy)
	for _, image := range info.OSImages {
		line("OS image", image.Architecture+" "+image.Artifact+" "+image.Format+" "+image.URL)
	}
	return w.Flush()
}

// configIfAny is the install-config of the directory, nil without one. It has logins, authorities and mirrors.
func (f finder) configIfAny() (*types.InstallConfig, error) {
	data, err := os.ReadFile(f.Path(install.ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cfg, findings := f.Platforms.Load(install.ConfigFile, data)
	if cfg == nil || findings.Err() != nil {
		event.Warn(f.Sink,
			f.Path(install.ConfigFile)+" has mistakes; its login, authorities and mirrors are not used")
		return nil, nil
	}
	f.Hide(cfg.Secrets()...)
	return cfg, nil
}

// currentRelease is what a command in the directory would install, empty if that is not settled.
func (f finder) currentRelease() (string, error) {
	if override := install.ReleaseOverride(f.Getenv); override != "" {
		return override, nil
	}
	key, err := f.StateKey()
	if err != nil {
		return "", err
	}
	pin, err := assets.StoredPin(f.Dir, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err != nil || pin.BuiltIn && version.Release() != "" {
		return version.Release(), nil
	}
	return pin.PullSpec, nil
}
