package assets

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

// The assets of the virtualization stack. Machines are not started with them, so they go on to
// change with the user's files.

// VirtualizationFile is virtualization.yaml and the files that it names, as JSON of virtualizationInput.
// It is not a source: without the file the defaults count.
var VirtualizationFile = asset.Param[[]byte](virtualization.File).Living()

type virtualizationInput struct {
	Text  []byte            `json:"text"` // nil without a file
	Files map[string][]byte `json:"files,omitempty"`
}

// RunningVersion is the version that the cluster was seen to run, empty if nobody has looked. It is not always that of
// the release which was installed, which may be known by its image only.
var RunningVersion = asset.Param[string]("running-version").Living()

// VirtualizationCluster is what the configuration must fit.
var VirtualizationCluster = asset.From3("virtualization-cluster", Config, ReleaseVersion, RunningVersion,
	func(_ asset.Env, in Input, release, running string) (virtualization.Cluster, error) {
		return virtualization.ClusterOf(in.InstallConfig, cmp.Or(running, release)), nil
	}, asset.Transient())

// Runs tells the version that the cluster runs, for this process and for later ones. Empty is not known.
func (i *Installer) Runs(version string) error {
	if version == "" {
		return nil
	}
	asset.Set(i.store, RunningVersion, version)
	return asset.Remember(i.store, RunningVersion, version)
}

// virtualizationReading is the configuration, complete and checked, with the findings about it.
type virtualizationReading struct {
	config   *virtualization.Config
	cluster  virtualization.Cluster
	input    []byte
	findings *report.Report
}

// Canonical is what it was made from.
func (v virtualizationReading) Canonical() []byte {
	cluster, err := json.Marshal(v.cluster)
	if err != nil {
		panic(err) // texts and numbers
	}
	return slices.Concat(cluster, v.input)
}

// VirtualizationConfig is virtualization.yaml, or the defaults without it.
var VirtualizationConfig = asset.From2("virtualization-config", VirtualizationCluster, VirtualizationFile,
	func(_ asset.Env, k virtualization.Cluster, input []byte) (virtualizationReading, error) {
		v := virtualizationReading{cluster: k, input: input}
		c, err := readVirtualization(input)
		if err != nil {
			return v, err
		}
		v.config, v.findings = c.Fit(virtualization.File, k)
		return v, v.findings.Err()
	}, asset.Transient())

// readVirtualization is the configuration as it was written, nil if there is none.
func readVirtualization(input []byte) (*virtualization.Config, error) {
	var in virtualizationInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	if in.Text == nil {
		return nil, nil
	}
	c, findings := virtualization.Load(virtualization.File, in.Text)
	if c == nil {
		return nil, findings.Err()
	}
	return c, c.ReadFiles(func(path string) ([]byte, error) {
		data, is := in.Files[path]
		if !is {
			return nil, fs.ErrNotExist
		}
		return data, nil
	}).Err()
}

// VirtualizationManifests is virtualization/: the objects of the stack.
var VirtualizationManifests = asset.From1("virtualization-manifests", VirtualizationConfig,
	func(_ asset.Env, v virtualizationReading) (asset.Files, error) {
		list, err := manifests.Render(v.config, v.cluster)
		if err != nil {
			return nil, err
		}
		var files asset.Files
		for _, m := range list {
			data, err := m.YAML()
			if err != nil {
				return nil, err
			}
			files = append(files, asset.NewFile(manifests.Dir+"/"+m.Path, data))
		}
		return files, nil
	}, append(ownedSteps(), asset.Confidential(VirtualizationFile))...).Living()

func ownedSteps() (out []asset.Option) {
	for _, dir := range manifests.Dirs() {
		out = append(out, asset.OwnsDir(dir))
	}
	return out
}

// virtualizationObjects are the manifests, with the user's changes.
var virtualizationObjects = asset.From1("virtualization-objects", VirtualizationManifests,
	func(_ asset.Env, files asset.Files) (parsed, error) {
		texts := map[string][]byte{}
		for _, f := range files {
			texts[f.Path] = f.Data
		}
		list, err := manifests.ParseAll(texts)
		return parsed{list}, err
	}, asset.Transient())

// parsed is kept as nothing: objects can have secrets, and are read from files that are kept.
type parsed struct{ list []manifests.Manifest }

// MarshalJSON is for the state.
func (parsed) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// Virtualization is what is deployed to run VMs.
type Virtualization struct {
	Config    *virtualization.Config // with all defaults
	Cluster   virtualization.Cluster
	Manifests []manifests.Manifest // with the user's changes, in the order in which they are applied
}

// VirtualizationManifests writes virtualization/, and reads it back.
func (i *Installer) VirtualizationManifests(ctx context.Context) error {
	_, err := i.virtualization(ctx, []asset.Ref{VirtualizationManifests})
	return err
}

// Virtualization is what is deployed. It writes nothing; files in virtualization/ count.
func (i *Installer) Virtualization(ctx context.Context) (Virtualization, error) {
	return i.virtualization(ctx, nil)
}

func (i *Installer) virtualization(ctx context.Context, write []asset.Ref) (v Virtualization, err error) {
	input, err := virtualizationOnDisk(i.dir)
	if err != nil {
		return v, err
	}
	asset.Set(i.store, VirtualizationFile, input)
	if err := i.warnStray(); err != nil {
		return v, err
	}
	r, err := i.run(ctx, write, VirtualizationConfig, virtualizationObjects)
	if err != nil {
		return v, err
	}
	read := asset.Of(r, VirtualizationConfig)
	i.warn(read.findings)
	return Virtualization{read.config, read.cluster, asset.Of(r, virtualizationObjects).list}, nil
}

// virtualizationOnDisk reads virtualization.yaml and the files that it names. What cannot be read is
// left to the rules, which name field and line.
func virtualizationOnDisk(dir string) ([]byte, error) {
	in := virtualizationInput{Files: map[string][]byte{}}
	text, err := readSome(filepath.Join(dir, virtualization.File))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return json.Marshal(in)
	case err != nil:
		return nil, err
	}
	in.Text = text
	if c, _ := virtualization.Load(virtualization.File, in.Text); c != nil {
		c.ReadFiles(func(path string) ([]byte, error) {
			full := path
			if !filepath.IsAbs(path) {
				full = filepath.Join(dir, path)
			}
			data, err := readSome(full)
			if err == nil {
				in.Files[path] = data
			}
			return data, err
		})
	}
	return json.Marshal(in)
}

// readSome reads a file up to a byte more than may be in it.
func readSome(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a file", path))
	}
	return io.ReadAll(io.LimitReader(f, virtualization.MaxFile+1))
}

// warnStray names files in virtualization/ that belong to no step. They would not be applied.
func (i *Installer) warnStray() error {
	entries, err := os.ReadDir(filepath.Join(i.dir, manifests.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name := manifests.Dir + "/" + e.Name()
		if !e.IsDir() || !slices.Contains(manifests.Dirs(), name) {
			event.Warn(i.events, "not applied: it is in none of the directories of the steps", "file", name,
				"steps", fmt.Sprint(manifests.Steps()))
		}
	}
	return err
}

// withholdVirtualization keeps logins of virtualization.yaml and of files that it names out of a
// state that is not encrypted. They are read again in each run.
func withholdVirtualization(store *asset.Store) {
	asset.Withhold(store, VirtualizationFile, asset.Withholding{
		Blank: func(input []byte) ([]byte, bool) {
			c, err := readVirtualization(input)
			if err != nil {
				return nil, true
			}
			return nil, c != nil && slices.ContainsFunc(c.Secrets(), func(s secret.String) bool { return !s.IsZero() })
		},
		Fill: func([]byte) ([]byte, error) { return nil, fmt.Errorf("%s was not read", virtualization.File) },
	})
}
