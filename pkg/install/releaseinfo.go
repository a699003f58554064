package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/choose"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/version"
)

// ListReleases prints the releases that there are, the newest first.
func (a *App) ListReleases(ctx context.Context, all bool, form string) error {
	cfg, err := a.configIfAny()
	if err != nil {
		return err
	}
	src, err := a.sources(cfg)
	if err != nil {
		return err
	}
	list, notes, err := src.List(ctx, all)
	if err != nil {
		return a.classify(err)
	}
	for _, note := range notes {
		event.Warn(a.Sink, note)
	}
	if form == "json" {
		if list == nil {
			list = []choose.Listed{}
		}
		return a.printJSON(list)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tCHANNEL\tSUPPORTED\tPULL SPEC")
	for _, l := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Version, orDefault(l.Channel, "-"), yesNo(l.Supported), l.PullSpec)
	}
	return w.Flush()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (a *App) printJSON(v any) error {
	enc := json.NewEncoder(a.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
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

// ShowRelease prints what a release image says about itself; without a name that of
// the directory, of the environment, or the one built in, and failing those the
// newest one.
func (a *App) ShowRelease(ctx context.Context, name, form string) error {
	cfg, err := a.configIfAny()
	if err != nil {
		return err
	}
	src, err := a.sources(cfg)
	if err != nil {
		return err
	}
	if name == "" {
		if name, err = a.currentRelease(); err != nil {
			return a.classify(err)
		}
	}
	want, err := choose.Parse(orDefault(name, choose.Latest))
	if err != nil {
		return &Failure{Code: ExitOther, Next: "see `" + a.self() + " release list`", Err: err}
	}
	choice, err := src.Choose(ctx, want)
	if err != nil {
		return a.classify(err)
	}
	for _, note := range choice.Notes {
		event.Warn(a.Sink, note)
	}
	rel, err := release.Inspect(ctx, choice.PullSpec, src.Registry)
	if err != nil {
		return a.classify(err)
	}
	info := infoOf(rel, choice.From)
	if err := a.noteSignature(ctx, cfg, &info); err != nil {
		return a.classify(err)
	}
	if form == "json" {
		return a.printJSON(info)
	}
	return a.printInfo(info)
}

func (a *App) noteSignature(ctx context.Context, cfg *types.InstallConfig, info *releaseInfo) error {
	keys, err := a.releaseKeys()
	if err != nil || keys == nil {
		info.Signature = "not checked"
		return err
	}
	signed, err := a.verify(ctx, cfg, *keys, info.Digest)
	info.Signature, info.SignedBy = "verified", signed.By
	return err
}

func infoOf(rel *release.Release, from string) releaseInfo {
	info := releaseInfo{Version: rel.Version, PullSpec: rel.PullSpec, Digest: rel.Digest, From: from, Kubernetes: rel.Kubernetes, Components: rel.Components()}
	if v, err := versions.Parse(rel.Version); err == nil {
		info.Supported = v.Minor().Supported()
	}
	if rel.Stream() == nil {
		return info
	}
	for arch, a := range rel.Stream().Architectures {
		for name, artifact := range a.Artifacts {
			for format, image := range artifact.Formats {
				if image.Disk != nil {
					info.OSImages = append(info.OSImages, osPlace{arch, name, format, artifact.Release, image.Disk.Location})
				}
			}
		}
	}
	slices.SortFunc(info.OSImages, func(a, b osPlace) int {
		return strings.Compare(a.Architecture+" "+a.Artifact+" "+a.Format, b.Architecture+" "+b.Artifact+" "+b.Format)
	})
	return info
}

func (a *App) printInfo(info releaseInfo) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
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

// configIfAny is the install-config of the directory, nil if there is none: nothing
// that looks at releases needs one, but it has logins, authorities and mirrors.
func (a *App) configIfAny() (*types.InstallConfig, error) {
	data, err := os.ReadFile(a.path(configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cfg, findings := platforms.Load(configFile, data)
	if cfg == nil || findings.Err() != nil {
		event.Warn(a.Sink, a.path(configFile)+" has mistakes; its login, authorities and mirrors are not used")
		return nil, nil
	}
	a.Hide(cfg.Secrets()...)
	return cfg, nil
}

// currentRelease is what a command in the directory would install, empty if that is
// not settled.
func (a *App) currentRelease() (string, error) {
	if override := ReleaseOverride(a.Getenv); override != "" {
		return override, nil
	}
	key, err := a.stateKey()
	if err != nil {
		return "", err
	}
	pin, err := assets.StoredPin(a.Dir, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err != nil || pin.BuiltIn && version.Release() != "" {
		return version.Release(), nil
	}
	return pin.PullSpec, nil
}
