package assets

import (
	"net/netip"
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Platform is what is generated for a platform. Kind and Cluster are required.
type Platform struct {
	Kind types.PlatformKind
	// Cluster is what a cluster is told about its platform.
	Cluster func(c *types.InstallConfig) manifests.Platform
	// Objects adds the objects of the platform to openshift/.
	Objects func(set *objects.Set, in PlatformObjects) error
	// UserData names the Secret with the pointer config of a role, by default
	// <role>-user-data.
	UserData func(c *types.InstallConfig, role string) string
	// Agent is for clusters whose hosts register themselves, nil where there are none.
	Agent *AgentPlatform
	// MediaServer returns the addresses besides api-int at which the bootstrap host
	// serves virtual media, and false if it serves none.
	MediaServer func(c *types.InstallConfig) ([]netip.Addr, bool)
	// Passwords are in the install-config, nil where there are none.
	Passwords *Passwords
	// VirtualNodes says that the nodes of its clusters are VMs themselves.
	VirtualNodes bool
	// Metadata returns the platform's part of metadata.json, for destroying the cluster.
	Metadata func(c *types.InstallConfig, m MetadataInputs) any
}

// Passwords are those of controllers in an install-config, which are not stored unless the state is encrypted.
type Passwords struct {
	// Blank is the text without them, and whether it had any.
	Blank func(text []byte) (blank []byte, any bool)
	// Read returns them by the addresses of the controllers.
	Read func(text []byte) (map[string]secret.String, error)
	// Fill puts them back. It asks for each, by the address of the controller and its user.
	Fill func(blank []byte, ask PasswordOf) ([]byte, error)
}

// PasswordOf is the password of a user of a controller.
type PasswordOf func(address, user string) (secret.String, error)

// AgentPlatform is what cluster-manifests/ has about a platform.
type AgentPlatform struct {
	Type configv1.PlatformType
	// Overrides returns settings of the install-config that the manifests have no fields
	// for, or nil. Listed says that the hosts are those of the install-config. Nil has none.
	Overrides func(c *types.InstallConfig, listed bool) any
}

// PlatformObjects are the inputs of a platform's objects.
type PlatformObjects struct {
	Config  *types.InstallConfig
	InfraID string
	// ReleaseVersion is empty if only the release image is known.
	ReleaseVersion string
}

// MetadataInputs are inputs of metadata besides the install-config.
type MetadataInputs struct {
	// KeepOSTemplate says that the OS template belongs to the user.
	KeepOSTemplate bool
	// MachineIDs are the IDs of machines by name, as far as the platform has told them.
	MachineIDs map[string]string
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

// Input is the install-config, complete and checked, and its platform.
type Input struct {
	*types.InstallConfig
	On Platform
}

// newInput finds the platform of a config.
func newInput(c *types.InstallConfig, list []Platform) Input {
	i := slices.IndexFunc(list, func(p Platform) bool { return p.Kind.Name == c.Platform.Name() })
	return Input{c, list[i]}
}

// MarshalJSON is for the state, which has only the hash of Canonical.
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
