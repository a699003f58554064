package assets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// The assets of an installation whose hosts register themselves.

// agentConfigFile is agent-config.yaml, if the user has written one.
var agentConfigFile = asset.OptionalSource("agent-config.yaml", agent.File)

// agentReading is agent-config.yaml and the hosts, with the findings about them.
type agentReading struct {
	Config    *agent.Config   `json:"config"` // nil if there is no file
	Inventory agent.Inventory `json:"inventory"`
	findings  *report.Report
}

// startedRoles are the roles of the hosts that the installer starts, by name; nil where users boot them.
var startedRoles = asset.Param[map[string]string]("started-roles")

// AgentConfig is agent-config.yaml and the hosts, complete and checked.
var AgentConfig = asset.From3("agent-config", writtenConfig, agentConfigFile, startedRoles,
	func(_ asset.Env, in Input, data []byte, started map[string]string) (agentReading, error) {
		var a agentReading
		if data != nil {
			if a.Config, a.findings = agent.Load(agent.File, data); a.Config == nil {
				return a, a.findings.Err()
			}
		}
		if started != nil {
			a.Inventory, a.findings = agent.StartedInventory(in.InstallConfig, a.Config, started)
		} else {
			a.Inventory, a.findings = agent.NewInventory(in.InstallConfig, a.Config)
		}
		return a, a.findings.Err()
	}, asset.Transient())

// ClusterManifests is cluster-manifests/: the cluster in custom resources.
var ClusterManifests = asset.From4("cluster-manifests", writtenConfig, AgentConfig, ReleaseImage, ReleaseVersion,
	func(_ asset.Env, in Input, a agentReading, image, version string) (asset.Files, error) {
		if image == "" {
			return nil, ErrNoReleaseImage
		}
		return renderClusterManifests(in, a, image, version)
	}, asset.OwnsDir(clustermanifests.Dir), asset.Confidential(ConfigFile))

func renderClusterManifests(in Input, a agentReading, image, version string) (asset.Files, error) {
	platform := in.On.Cluster(in.InstallConfig)
	inputs := clustermanifests.Inputs{
		Config: in.InstallConfig, Platform: platform.Spec, Status: platform.Status, Inventory: a.Inventory,
		ReleaseImage: image, ReleaseVersion: version,
	}
	if on := in.On.Agent; on != nil && on.Overrides != nil {
		inputs.Overrides = on.Overrides(in.InstallConfig, a.Inventory.FromInstallConfig)
	}
	if a.Config != nil {
		inputs.NTPSources = a.Config.AdditionalNTPSources
	}
	return clustermanifests.Render(inputs)
}

// MirrorFiles is mirror/: where hosts find images, and whom they trust.
var MirrorFiles = asset.From1("mirror", writtenConfig, func(_ asset.Env, in Input) (asset.Files, error) {
	return clustermanifests.RenderMirrors(in.InstallConfig), nil
}, asset.Claims(clustermanifests.MirrorFiles()...))

// definition is a cluster as its manifests define it, with the findings about them.
type definition struct {
	clustermanifests.Definition
	findings *report.Report
}

// ClusterDefinition is the cluster as the manifests define it, with the user's edits.
var ClusterDefinition = asset.From4("cluster-definition", platforms, ClusterManifests, MirrorFiles, ReleaseImage,
	func(_ asset.Env, list []Platform, manifests, mirrors asset.Files, image string) (definition, error) {
		return define(list, asset.Merge(manifests, mirrors), image)
	}, asset.Transient())

// givenManifests are the files of both directories where there is no install-config.yaml to
// make them from.
var givenManifests = asset.FromAll("given-manifests", givenFiles(),
	func(_ asset.Env, contents [][]byte) (asset.Files, error) {
		var files asset.Files
		for i, data := range contents {
			if data != nil {
				files = append(files, asset.NewFile(givenNames()[i], data))
			}
		}
		return files, nil
	}, asset.Transient())

// GivenDefinition is ClusterDefinition for manifests that the user wrote. An
// agent-config.yaml beside them is checked as far as it can be without an install-config.
var GivenDefinition = asset.From4("given-definition", platforms, givenManifests, agentConfigFile, ReleaseImage,
	func(_ asset.Env, list []Platform, files asset.Files, config []byte, image string) (definition, error) {
		if config != nil {
			if c, findings := agent.Load(agent.File, config); c == nil {
				return definition{}, findings.Err()
			}
		}
		return define(list, files, image)
	}, asset.Transient())

func givenNames() []string {
	return slices.Concat(clustermanifests.Files(), clustermanifests.MirrorFiles())
}

func givenFiles() []asset.Asset[[]byte] {
	var out []asset.Asset[[]byte]
	for _, name := range givenNames() {
		out = append(out, asset.OptionalSource("file/"+name, name))
	}
	return out
}

func define(list []Platform, files asset.Files, image string) (definition, error) {
	d, findings := clustermanifests.Read(files, agentPlatforms(list), image)
	return definition{d, findings}, findings.Err()
}

// agentPlatforms are the names that the manifests have for the platforms.
func agentPlatforms(list []Platform) []string {
	var out []string
	for _, p := range list {
		if p.Agent != nil {
			out = append(out, string(p.Agent.Type))
		}
	}
	slices.Sort(out)
	return out
}

// platformNames are the names of the platforms, by those that the manifests have for them.
func platformNames(list []Platform) clustermanifests.PlatformNames {
	out := clustermanifests.PlatformNames{}
	for _, p := range list {
		if p.Agent != nil {
			out[string(p.Agent.Type)] = p.Kind.Name
		}
	}
	return out
}

// ClusterManifests writes cluster-manifests/ and mirror/, and reads them back, so that an
// edit that nobody could use is refused before anything is written.
func (i *Installer) ClusterManifests(ctx context.Context) error {
	r, err := i.run(ctx, []asset.Ref{ClusterManifests, MirrorFiles}, AgentConfig, ClusterDefinition)
	if err != nil {
		return err
	}
	i.warn(asset.Of(r, AgentConfig).findings)
	i.warn(asset.Of(r, ClusterDefinition).findings)
	return nil
}

// GivenManifests reads and checks manifests that the user wrote, and changes nothing. It
// returns false if there is an install-config to make them from, or if there are none.
func (i *Installer) GivenManifests(ctx context.Context) (given bool, err error) {
	_, given, err = i.readGiven(ctx)
	return given, err
}

// fromManifests says that the install-config in the state was made from manifests.
var fromManifests = asset.Param[bool]("install-config-from-manifests")

func (i *Installer) readGiven(ctx context.Context) (def definition, given bool, err error) {
	missing, err := asset.Missing(i.store, ConfigFile)
	if err != nil || !missing {
		return def, false, err
	}
	before, _, err := asset.Recall(i.store, fromManifests)
	if err != nil || !before && asset.Remembers(i.store, ConfigFile) {
		return def, false, err
	}
	r, err := i.store.Run(ctx, nil, []asset.Ref{givenManifests})
	if err != nil {
		return def, false, err
	}
	written := func(p string) bool { return strings.HasPrefix(p, clustermanifests.Dir+"/") }
	if !slices.ContainsFunc(asset.Of(r, givenManifests).Paths(), written) {
		return def, false, nil
	}
	r, err = i.store.Run(ctx, nil, []asset.Ref{GivenDefinition})
	if findings := (*report.Error)(nil); errors.As(err, &findings) {
		return def, true, findings
	}
	if err != nil {
		return def, true, err
	}
	def = asset.Of(r, GivenDefinition)
	i.warn(def.findings)
	return def, true, nil
}

// TakeGiven makes an install-config of manifests that the user wrote instead of one, for this
// run. The release is theirs, unless another one was chosen.
func (i *Installer) TakeGiven(ctx context.Context) error {
	def, given, err := i.readGiven(ctx)
	if err != nil {
		return err
	}
	i.given = given
	asset.Set(i.store, fromManifests, given)
	if !given {
		return nil
	}
	r, err := i.store.Run(ctx, nil, []asset.Ref{platforms})
	if err != nil {
		return err
	}
	text, err := def.InstallConfig(platformNames(asset.Of(r, platforms)))
	if err != nil {
		return err
	}
	asset.Provide(i.store, ConfigFile, text)
	if pin, err := i.Pin(); err != nil || !pin.IsZero() {
		return err
	}
	return i.SetPin(Pin{PullSpec: def.ImageSet.Spec.ReleaseImage, From: clustermanifests.Dir})
}

func (i *Installer) warn(findings *report.Report) {
	for _, line := range findings.Lines(true) {
		event.Warn(i.events, line)
	}
}

// AgentGraph draws the assets of an installation whose hosts register themselves.
func AgentGraph() string {
	return asset.Dot(append([]asset.Ref{ClusterDefinition, GivenDefinition, RendezvousFile, AdminKubeconfig, PasswordFile},
		imageNeeds...)...)
}
