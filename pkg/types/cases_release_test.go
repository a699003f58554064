package types_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/compat"
)

// releaseRow is an install-config beside a release. What it gives is a line for
// each finding: the path, with `warns` before it if it is a warning, and with
// `@ text` behind it if the finding must point to a line that has this text.
type releaseRow struct {
	name, base, edits string
	version           string
	gates             string // of the release: Set.Gate=value, separated by spaces
	gives             string
}

const macFencing = fencing + `controlPlane.fencing.credentials[1].macAddress = 52:54:00:aa:00:02
`

const arbiter = twoMasters + `arbiter = {name: arbiter, replicas: 1}
`

const externalRecords = `
	platform.baremetal.loadBalancer.type = UserManaged
	platform.baremetal.dnsRecordsType = External
`

const allComponents = `capabilities = {baselineCapabilitySet: vCurrent, ` +
	`additionalEnabledCapabilities: [Console, ClusterAPI, CompatibilityRequirements]}
`

var releaseRows = []releaseRow{
	{"nothing new", ovirt, ``, "4.19.0-okd-scos.1", ``, ``},
	{"operating system", none, `osImageStream = centos-10`, "4.21.0-okd-scos.11", ``, `osImageStream @ centos-10`},
	{"operating system", none, `osImageStream = centos-10`, "4.22.0-okd-scos.10", ``, ``},
	{"operating system", none, `osImageStream = centos-10`, "5.0.0-okd-scos.1", ``, ``},
	{"operating system, release unknown", none, `osImageStream = centos-10`, "", ``, ``},
	{"operating system, no version", none, `osImageStream = centos-10`, "latest", ``, ``},
	{"features of OKD", external, `featureSet = OKD`, "4.20.0-okd-scos.17", ``, `featureSet @ OKD`},
	{"features of OKD", external, `featureSet = OKD`, "4.22.0-okd-scos.10", ``, ``},
	{"fencing by interfaces", none, twoMasters + macFencing, "4.22.0-okd-scos.10", ``,
		`controlPlane.fencing.credentials[1].macAddress @ 52:54:00:aa`},
	{"fencing by interfaces", none, twoMasters + macFencing, "5.0.0-okd-scos.0", ``, ``},
	{"router", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.1`, "4.21.0-okd-scos.11", ``,
		`platform.baremetal.provisioningNetworkGateway @ 172.22.0.1`},
	{"router", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.1`, "4.22.0-okd-scos.10", ``,
		`warns platform.baremetal.provisioningNetworkGateway`},
	{"router", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.1`, "5.0.0-okd-scos.1", ``,
		``},
	{"images of one's own", baremetal, `
		platform.baremetal.bootstrapOSImage = https://images.test/qemu.qcow2.gz?sha256=$SUM
		platform.baremetal.clusterOSImage = http://images.test/metal.raw.gz?sha256=$SUM`, "5.0.0-okd-scos.1", ``, `
		warns platform.baremetal.bootstrapOSImage @ qemu
		warns platform.baremetal.clusterOSImage @ metal`},
	{"images of one's own", baremetal, `platform.baremetal.clusterOSImage = http://images.test/metal.raw.gz?sha256=$SUM`,
		"4.22.0-okd-scos.10", ``, ``},

	{"arbiter", baremetal, arbiter, "4.19.0-okd-scos.1", ``, `arbiter @ arbiter`},
	{"arbiter", baremetal, arbiter, "4.20.0-okd-scos.17", ``, ``},
	{"arbiter in a preview", baremetal, arbiter + `featureSet = TechPreviewNoUpgrade`, "4.19.0-okd-scos.1", ``, ``},
	{"arbiter among custom features", baremetal, arbiter + `featureSet = CustomNoUpgrade`, "4.20.0-okd-scos.17", ``,
		`arbiter`},
	{"arbiter among custom features", baremetal, arbiter + `
		featureSet = CustomNoUpgrade
		featureGates = [HighlyAvailableArbiter=true]`, "4.20.0-okd-scos.17", ``, ``},
	{"arbiter switched off", baremetal, arbiter + `
		featureSet = CustomNoUpgrade
		featureGates = [HighlyAvailableArbiter=false]`, "4.20.0-okd-scos.17", ``, `arbiter`},
	{"arbiter without a gate", baremetal, arbiter + `featureSet = CustomNoUpgrade`, "4.22.0-okd-scos.10", ``, ``},
	{"arbiter that the release has off", baremetal, arbiter, "4.20.0-okd-scos.17", `.HighlyAvailableArbiter=false`,
		`arbiter`},
	{"arbiter, release unknown", baremetal, arbiter + `featureSet = CustomNoUpgrade`, "", ``, ``},
	{"fencing", none, twoMasters + fencing, "4.21.0-okd-scos.11", ``, `controlPlane.fencing @ fencing`},
	{"fencing", none, twoMasters + fencing, "4.22.0-okd-scos.10", ``, ``},
	{"fencing among the features of OKD", none, twoMasters + fencing + `featureSet = OKD`, "4.22.0-okd-scos.10", ``, ``},
	{"fencing in a preview", none, twoMasters + fencing + `featureSet = TechPreviewNoUpgrade`, "4.20.0-okd-scos.17", ``,
		``},
	{"fencing among custom features", none, twoMasters + fencing + `
		featureSet = CustomNoUpgrade
		featureGates = [DualReplica=true]`, "4.20.0-okd-scos.17", `.DualReplica=false`, ``},
	{"fencing that the release has on", none, twoMasters + fencing, "4.21.0-okd-scos.11", `.DualReplica=true`, ``},
	{"fencing without a gate any more", none, twoMasters + fencing, "5.2.0-okd-scos.0", `.Another=true`, ``},
	{"fencing with a preview of a release", none, twoMasters + fencing + `featureSet = TechPreviewNoUpgrade`,
		"4.20.0-okd-scos.17", `.DualReplica=false TechPreviewNoUpgrade.DualReplica=true`, ``},
	{"gates, but no version", none, twoMasters + fencing, "", `.DualReplica=false`, `controlPlane.fencing`},

	{"records elsewhere", baremetal, externalRecords, "4.22.0-okd-scos.10", ``,
		`platform.baremetal.dnsRecordsType @ External`},
	{"records elsewhere with the gate", baremetal, externalRecords + `
		featureSet = CustomNoUpgrade
		featureGates = [OnPremDNSRecords=true]`, "4.22.0-okd-scos.10", ``, ``},
	{"records elsewhere with the gate", baremetal, externalRecords + `
		featureSet = CustomNoUpgrade
		featureGates = [OnPremDNSRecords=true]`, "4.21.0-okd-scos.11", ``, `warns platform.baremetal.dnsRecordsType`},
	{"records elsewhere, early", baremetal, externalRecords, "4.20.0-okd-scos.17", ``,
		`platform.baremetal.dnsRecordsType`},
	{"components, early", none, allComponents, "4.21.0-okd-scos.11", ``, `
		capabilities.additionalEnabledCapabilities[1]
		capabilities.additionalEnabledCapabilities[2]`},
	{"records elsewhere, on for all", baremetal, externalRecords, "5.1.0-okd-scos.0", `.OnPremDNSRecords=true`, ``},
	{"records of the nodes", baremetal, `platform.baremetal.dnsRecordsType = Internal`, "4.22.0-okd-scos.10", ``, ``},

	{"components", none, allComponents, "4.22.0-okd-scos.10",
		`.ClusterAPIMachineManagement=true .CRDCompatibilityRequirementOperator=true`, `
		capabilities.additionalEnabledCapabilities[1] @ ClusterAPI
		capabilities.additionalEnabledCapabilities[2] @ CompatibilityRequirements`},
	{"components with their gates off", none, allComponents, "5.0.0-okd-scos.1", ``, `
		capabilities.additionalEnabledCapabilities[1]
		capabilities.additionalEnabledCapabilities[2]`},

	{"preview that needs a tunnel", ovirt, `featureSet = TechPreviewNoUpgrade`, "5.0.0-okd-scos.1", ``,
		`featureSet @ TechPreview`},
	{"preview that needs a tunnel", ovirt, `featureSet = DevPreviewNoUpgrade`, "5.1.0-okd-scos.0",
		`DevPreviewNoUpgrade.ClusterAPIMachineManagement=true`, `featureSet`},
	{"preview that needs none", ovirt, `featureSet = TechPreviewNoUpgrade`, "4.22.0-okd-scos.10",
		`TechPreviewNoUpgrade.ClusterAPIMachineManagement=true`, ``},
	{"preview that the release has without", ovirt, `featureSet = TechPreviewNoUpgrade`, "5.1.0-okd-scos.0",
		`TechPreviewNoUpgrade.ClusterAPIMachineManagement=false ` +
			`TechPreviewNoUpgrade.CRDCompatibilityRequirementOperator=false`, ``},
	{"gate that needs a tunnel", ovirt, `
		featureSet = CustomNoUpgrade
		featureGates = [CRDCompatibilityRequirementOperator=true]`, "5.0.0-okd-scos.1", ``, `featureGates @ featureGates`},
	{"gate that needs none", ovirt, `
		featureSet = CustomNoUpgrade
		featureGates = [OnPremDNSRecords=true]`, "5.0.0-okd-scos.1", ``, ``},
	{"no preview", ovirt, ``, "5.0.0-okd-scos.1", ``, ``},
}

func TestCheckRelease(t *testing.T) {
	for _, tt := range releaseRows {
		t.Run(tt.name+" on "+tt.version, func(t *testing.T) {
			text := row{base: tt.base, edits: tt.edits}.text(t)
			c, found := platforms.All().Load("c.yaml", []byte(text))
			if c == nil {
				t.Fatal(found.Err())
			}
			found = compat.Check(c, compat.Release{Version: tt.version, Gates: gatesOf(t, tt.gates)})
			checkMessages(t, found)
			left := found.Findings()
			for _, w := range lines(tt.gives) {
				want, on, place := strings.Cut(w, " @ ")
				path, warns := strings.CutPrefix(want, "warns ")
				i := slices.IndexFunc(left, func(f report.Finding) bool { return f.Path.String() == path && f.Warning == warns })
				if i < 0 {
					t.Errorf("no finding about %s", want)
					continue
				}
				if at := left[i].At; at.Line < 1 || place && !strings.Contains(strings.Split(text, "\n")[at.Line-1], on) {
					t.Errorf("%s points to line %d of\n%s", want, at.Line, text)
				}
				left = slices.Delete(left, i, i+1)
			}
			if len(left) > 0 {
				t.Errorf("unexpected: %v", left)
			}
		})
	}
}

// gatesOf are the gates of a release, nil if it says nothing.
func gatesOf(t *testing.T, text string) func(string) map[string]bool {
	t.Helper()
	if text == "" {
		return nil
	}
	sets := map[string]map[string]bool{}
	for _, setting := range strings.Fields(text) {
		set, gate, _ := strings.Cut(setting, ".")
		name, on, ok := types.ParseGate(gate)
		if !ok {
			t.Fatalf("gate %q", setting)
		}
		if sets[set] == nil {
			sets[set] = map[string]bool{}
		}
		sets[set][name] = on
	}
	return func(set string) map[string]bool { return sets[set] }
}

// Findings about a config that was not read from a file have no places.
func TestCheckReleaseWithoutFile(t *testing.T) {
	found := compat.Check(&types.InstallConfig{OSImageStream: "centos-10"}, compat.Release{Version: "4.20.0"})
	if lines := found.Lines(false); len(lines) != 1 ||
		!strings.HasPrefix(lines[0], "install-config.yaml: osImageStream: Forbidden: ") {
		t.Errorf("findings %q", lines)
	}
}
