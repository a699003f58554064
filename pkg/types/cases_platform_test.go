package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var platformRefused = []row{
	{"no platform", none, `drop platform`, `platform: Required value`},
	{"an empty platform", none, `platform = {}`, `platform: Required value @ platform`},
	{"none without a mapping", none, `platform = {none: null}`, `platform: Required value`},
	{"platform as text", none, `platform = none`, `platform: Invalid value @ platform: none`},
	{"two platforms", ovirt, `platform.none = {}`, `platform: Invalid value`},
	{"three platforms", baremetal, `
		platform.none = {}
		platform.external = {}`, `platform: Invalid value`},
	{"another installer's platform", none, `platform = {aws: {region: us-east-1}}`, `platform: Unsupported value @ aws`},
	{"another installer's platform and its pools", none, `
		platform = {gcp: {projectID: x}}
		controlPlane.platform = {gcp: {type: n1}}
		compute = [{name: worker, platform: {gcp: {type: n1}}}]`, `platform: Unsupported value @ gcp`},
	{"a platform that there was", none, `platform = {libvirt: {URI: a}}`, `platform: Unsupported value`},
	{"a platform that there is beside ours", none, `platform.vsphere = {}`, `platform: Unsupported value @ vsphere`},
	{"a misspelt platform", none, `platform = {bare-metal: {}}`, `platform.bare-metal: Invalid value @ bare-metal`},
	{"settings of none", none, `platform.none.vips = [a]`, `platform.none.vips: Invalid value @ vips`},
	{"cloud controller of external", external, `platform.external.cloudControllerManager = Internal`,
		`platform.external.cloudControllerManager: Unsupported value @ Internal`},
	{"name of external as a number", external, `platform.external.platformName = 5`,
		`platform.external.platformName: Invalid value @ 5`},
}

var platformAccepted = []row{
	{"external", external, ``, `platform.external.platformName = "Unknown"`},
	{"external with a controller", external, `platform.external = {platformName: oci, cloudControllerManager: External}`, `
		platform.external.platformName = "oci"
		platform.external.cloudControllerManager = "External"`},
	{"external without a controller", external, `platform.external.cloudControllerManager = ""`,
		`platform.external.cloudControllerManager absent`},
	{"null beside the platform", none, `platform.ovirt = null`, `platform.none = {}`},
}

func TestPlatforms(t *testing.T) {
	testRefused(t, types.Options{}, platformRefused)
	testAccepted(t, types.Options{}, platformAccepted)
}

// With unknown keys allowed.
var unknownAccepted = []row{
	{"a key of the future", none, `novelty = {a: [1, 2]}`, `warns novelty`},
	{"a misspelt key", none, `networking.networkTyp = Calico`, `
		warns networking.networkTyp
		networking.networkType = "OVNKubernetes"`},
	{"keys of hosts", baremetal, host0 + `rack = 7`, `warns platform.baremetal.hosts[0].rack`},
}

func TestUnknownKeysAllowed(t *testing.T) {
	testAccepted(t, types.Options{AllowUnknown: true}, unknownAccepted)
}
