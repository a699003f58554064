package assets

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// Platform is what is generated for one kind of platform. Kind and Cluster are
// needed; without the others nothing is added.
type Platform struct {
	Kind types.PlatformKind
	// Cluster is what a cluster is told about its platform.
	Cluster func(c *types.InstallConfig) manifests.Platform
	// Objects adds to openshift/ what only clusters on this platform have.
	Objects func(set *objects.Set, in PlatformObjects) error
	// UserData names the Secret with the pointer config of a role; without it the
	// name is <role>-user-data.
	UserData func(c *types.InstallConfig, role string) string
	// MediaServer returns the addresses at which the bootstrap host serves virtual
	// media besides api-int, and false if it serves none.
	MediaServer func(c *types.InstallConfig) ([]netip.Addr, bool)
	// Metadata returns what metadata.json has below the platform's name for
	// destroying the cluster.
	Metadata func(c *types.InstallConfig, m MetadataInputs) any
}

// PlatformObjects is what a platform's objects are made of.
type PlatformObjects struct {
	Config  *types.InstallConfig
	InfraID string
	// ReleaseVersion is that of the release, empty where only its image is known.
	ReleaseVersion string
}

// MetadataInputs is what metadata depends on besides the install-config.
type MetadataInputs struct {
	// KeepOSTemplate says that the OS template belongs to the user.
	KeepOSTemplate bool
}

// platforms are those that an install-config can name.
var platforms = asset.Builtin[[]Platform]("platforms")

// kinds are the platforms as pkg/types knows them.
func kinds(list []Platform) []types.PlatformKind {
	out := make([]types.PlatformKind, len(list))
	for i, p := range list {
		out[i] = p.Kind
	}
	return out
}

// Input is what everything is generated from: the install-config, complete and
// checked, and the platform that it names.
type Input struct {
	*types.InstallConfig
	On Platform
}

// newInput finds the platform of a config.
func newInput(c *types.InstallConfig, list []Platform) Input {
	i := slices.IndexFunc(list, func(p Platform) bool { return p.Kind.Name == c.Platform.Name() })
	return Input{c, list[i]}
}

// MarshalJSON leaves out the platform, which the install-config implies.
func (in Input) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// UserData names the Secret with the pointer config of a role.
func (in Input) UserData(role string) string {
	if in.On.UserData == nil {
		return role + "-user-data"
	}
	return in.On.UserData(in.InstallConfig, role)
}

// Objects returns what adds the platform's objects to openshift/.
func (in Input) Objects(infraID, release string) func(*objects.Set) error {
	return func(set *objects.Set) error {
		if in.On.Objects == nil {
			return nil
		}
		return in.On.Objects(set, PlatformObjects{Config: in.InstallConfig, InfraID: infraID, ReleaseVersion: release})
	}
}
