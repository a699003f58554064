package hco

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	kubevirtv1 "kubevirt.io/api/core/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	"sigs.k8s.io/yaml"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

func parse(t *testing.T, text string) object.Object {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	m, _ := object.Plain(v).(map[string]any)
	return m
}

func release(t *testing.T, version string) Release {
	t.Helper()
	r, err := For(version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// strictly reads an object into a type that has all of its fields.
func strictly[T any](t *testing.T, o object.Object) T {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return out
}

var cluster3 = Cluster{
	ControlPlanes: 3, Workers: 2, ControlPlaneArchs: []string{"amd64"}, WorkerArchs: []string{"amd64"},
	BaseDomain: "demo.okd.test",
}

// everything is a HyperConverged that sets each field to something that is not its default.
const everything = `
apiVersion: hco.kubevirt.io/v1beta1
kind: HyperConverged
metadata:
  name: kubevirt-hyperconverged
  namespace: kubevirt-hyperconverged
  uid: u-1
  annotations: {hco.kubevirt.io/tuningPolicy: '{"qps":100,"burst":200}', deployOVS: "true"}
spec:
  tuningPolicy: annotation
  infra: {nodePlacement: {nodeSelector: {infra: "yes"}, tolerations: [{key: a, operator: Exists}]}}
  workloads: {nodePlacement: {nodeSelector: {work: "yes"}}}
  featureGates: {
    downwardMetrics: true, deployKubeSecondaryDNS: true, disableMDevConfiguration: true, persistentReservation: true,
    alignCPUs: true, enableMultiArchBootImageImport: true, decentralizedLiveMigration: true,
    declarativeHotplugVolumes: true, videoConfig: true, objectGraph: true}
  liveMigrationConfig: {
    parallelMigrationsPerCluster: 7, parallelOutboundMigrationsPerNode: 3, bandwidthPerMigration: 64Mi,
    completionTimeoutPerGiB: 11, progressTimeout: 12, network: mig, allowAutoConverge: true, allowPostCopy: true}
  permittedHostDevices:
    pciHostDevices:
    - {pciDeviceSelector: "10DE:1DB6", resourceName: nvidia.com/gpu}
    - {pciDeviceSelector: "1:2", resourceName: off, disabled: true}
    usbHostDevices: [{resourceName: kubevirt.io/usb, selectors: [{vendor: "46f4", product: "0001"}]}]
    mediatedDevices: [{mdevNameSelector: GRID, resourceName: nvidia.com/grid, externalResourceProvider: true}]
  mediatedDevicesConfiguration:
    mediatedDevicesTypes: [nvidia-231]
    nodeMediatedDeviceTypes: [{nodeSelector: {a: b}, mediatedDeviceTypes: [nvidia-233]}]
  certConfig: {ca: {duration: 72h0m0s, renewBefore: 36h0m0s}, server: {duration: 30h0m0s, renewBefore: 15h0m0s}}
  resourceRequirements:
    vmiCPUAllocationRatio: 4
    storageWorkloads: {limits: {cpu: "1", memory: 1Gi}}
    autoCPULimitNamespaceLabelSelector: {matchLabels: {limit: cpu}}
  scratchSpaceStorageClass: scratch
  defaultCPUModel: Haswell
  defaultRuntimeClass: runc
  obsoleteCPUs: {cpuModels: [Nehalem]}
  commonTemplatesNamespace: templates
  storageImport: {insecureRegistries: ["registry:5000"]}
  workloadUpdateStrategy: {workloadUpdateMethods: [Evict], batchEvictionSize: 3, batchEvictionInterval: 2m0s}
  dataImportCronTemplates:
  - metadata: {name: mine}
    spec:
      managedDataSource: mine
      schedule: "1 1 * * *"
      template:
        spec:
          source: {registry: {url: "docker://quay.io/me/mine"}}
          storage: {resources: {requests: {storage: 1Gi}}}
  filesystemOverhead: {global: "0.1", storageClass: {fast: "0.2"}}
  uninstallStrategy: RemoveWorkloads
  logVerbosityConfig: {kubevirt: {virtAPI: 5}, cdi: 4}
  tlsSecurityProfile:
    type: Custom
    custom:
      minTLSVersion: VersionTLS12
      ciphers: [ECDHE-RSA-AES128-GCM-SHA256, ECDHE-ECDSA-CHACHA20-POLY1305]
  kubeSecondaryDNSNameServerIP: 198.18.0.53
  kubeMacPoolConfiguration: {rangeStart: "02:00:00:00:00:00", rangeEnd: "02:FF:FF:FF:FF:FF"}
  evictionStrategy: LiveMigrateIfPossible
  vmStateStorageClass: state
  virtualMachineOptions: {disableFreePageReporting: true, disableSerialConsoleLog: true}
  ksmConfiguration: {nodeLabelSelector: {matchLabels: {ksm: "yes"}}}
  networkBinding: {custom: {sidecarImage: "quay.io/me/binding"}}
  higherWorkloadDensity: {memoryOvercommitPercentage: 150}
  enableCommonBootImageImport: false
  instancetypeConfig: {referencePolicy: expand}
  CommonInstancetypesDeployment: {enabled: false}
  deployVmConsoleProxy: true
  liveUpdateConfiguration: {maxCpuSockets: 8}
`

// TestFieldsArrive reads each setting back where the children have it.
func TestFieldsArrive(t *testing.T) {
	r := release(t, "1.17.3")
	hc := parse(t, everything)
	kv, err := r.KubeVirtFor(hc, cluster3)
	if err != nil {
		t.Fatal(err)
	}
	strictly[kubevirtv1.KubeVirt](t, kv)
	cdi, err := r.CDIFor(hc, cluster3)
	if err != nil {
		t.Fatal(err)
	}
	strictly[cdiv1.CDI](t, cdi)
	addons, err := r.NetworkAddonsFor(hc, cluster3)
	if err != nil {
		t.Fatal(err)
	}
	strictly[cnao.Config](t, addons)
	s, err := r.SSPFor(hc, cluster3)
	if err != nil {
		t.Fatal(err)
	}
	strictly[ssp.SSP](t, s)
	for _, c := range []struct {
		child      object.Object
		path, want string
	}{
		{kv, "uninstallStrategy", `"RemoveWorkloads"`},
		{kv, "infra.nodePlacement.nodeSelector.infra", `"yes"`},
		{kv, "infra.replicas", `null`},
		{kv, "workloads.nodePlacement.nodeSelector.work", `"yes"`},
		{kv, "certificateRotateStrategy.selfSigned.ca.duration", `"72h0m0s"`},
		{kv, "certificateRotateStrategy.selfSigned.server.renewBefore", `"15h0m0s"`},
		{kv, "workloadUpdateStrategy",
			`{"batchEvictionInterval":"2m0s","batchEvictionSize":3,"workloadUpdateMethods":["Evict"]}`},
		{kv, "configuration.migrations", `{"allowAutoConverge":true,"allowPostCopy":true,"bandwidthPerMigration":"64Mi",` +
			`"completionTimeoutPerGiB":11,"network":"mig","parallelMigrationsPerCluster":7,` +
			`"parallelOutboundMigrationsPerNode":3,"progressTimeout":12}`},
		{kv, "configuration.permittedHostDevices", `{"mediatedDevices":[{"externalResourceProvider":true,` +
			`"mdevNameSelector":"GRID","resourceName":"nvidia.com/grid"}],"pciHostDevices":[{"pciVendorSelector":"10DE:1DB6",` +
			`"resourceName":"nvidia.com/gpu"}],"usb":[{"resourceName":"kubevirt.io/usb","selectors":[{"product":"0001",` +
			`"vendor":"46f4"}]}]}`},
		{kv, "configuration.mediatedDevicesConfiguration", `{"mediatedDeviceTypes":["nvidia-231"],` +
			`"nodeMediatedDeviceTypes":[{"mediatedDeviceTypes":["nvidia-233"],"nodeSelector":{"a":"b"}}]}`},
		{kv, "configuration.developerConfiguration.memoryOvercommit", `150`},
		{kv, "configuration.developerConfiguration.cpuAllocationRatio", `4`},
		{kv, "configuration.developerConfiguration.logVerbosity.virtAPI", `5`},
		{kv, "configuration.autoCPULimitNamespaceLabelSelector.matchLabels.limit", `"cpu"`},
		{kv, "configuration.cpuModel", `"Haswell"`},
		{kv, "configuration.defaultRuntimeClass", `"runc"`},
		{kv, "configuration.vmStateStorageClass", `"state"`},
		{kv, "configuration.obsoleteCPUModels.Nehalem", `true`},
		{kv, "configuration.obsoleteCPUModels.486-v1", `true`},
		{kv, "configuration.evictionStrategy", `"LiveMigrateIfPossible"`},
		{kv, "configuration.virtualMachineOptions", `{"disableFreePageReporting":{},"disableSerialConsoleLog":{}}`},
		{kv, "configuration.ksmConfiguration.nodeLabelSelector.matchLabels.ksm", `"yes"`},
		{kv, "configuration.network.binding.custom.sidecarImage", `"quay.io/me/binding"`},
		{kv, "configuration.network.binding.l2bridge.domainAttachmentType", `"managedTap"`},
		{kv, "configuration.network.defaultNetworkInterface", `"masquerade"`},
		{kv, "configuration.instancetype.referencePolicy", `"expand"`},
		{kv, "configuration.commonInstancetypesDeployment.enabled", `false`},
		{kv, "configuration.liveUpdateConfiguration.maxCpuSockets", `8`},
		{kv, "configuration.tlsConfiguration", `{"ciphers":["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",` +
			`"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],"minTLSVersion":"VersionTLS12"}`},
		{kv, "configuration.handlerConfiguration.restClient.rateLimiter.tokenBucketRateLimiter", `{"burst":200,"qps":100}`},
		{kv, "serviceMonitorNamespace", `"kubevirt-hyperconverged"`},
		{cdi, "uninstallStrategy", `"RemoveWorkloads"`},
		{cdi, "config.scratchSpaceStorageClass", `"scratch"`},
		{cdi, "config.insecureRegistries", `["registry:5000"]`},
		{cdi, "config.filesystemOverhead", `{"global":"0.1","storageClass":{"fast":"0.2"}}`},
		{cdi, "config.podResourceRequirements.limits.memory", `"1Gi"`},
		{cdi, "config.logVerbosity", `4`},
		{cdi, "certConfig.server.duration", `"30h0m0s"`},
		{cdi, "infra.nodeSelector.infra", `"yes"`},
		{cdi, "workload.nodeSelector.work", `"yes"`},
		{cdi, "config.tlsSecurityProfile.custom.minTLSVersion", `"VersionTLS12"`},
		{addons, "kubeMacPool", `{"rangeEnd":"02:FF:FF:FF:FF:FF","rangeStart":"02:00:00:00:00:00"}`},
		{addons, "kubeSecondaryDNS", `{"domain":"demo.okd.test","nameServerIP":"198.18.0.53"}`},
		{addons, "ovs", `{}`},
		{addons, "placementConfiguration.infra.nodeSelector.infra", `"yes"`},
		{addons, "placementConfiguration.workloads.nodeSelector.work", `"yes"`},
		{addons, "selfSignConfiguration", `{"caOverlapInterval":"36h0m0s","caRotateInterval":"72h0m0s",` +
			`"certOverlapInterval":"15h0m0s","certRotateInterval":"30h0m0s"}`},
		{addons, "tlsSecurityProfile.type", `"Custom"`},
		{s, "commonTemplates.namespace", `"templates"`},
		{s, "enableMultipleArchitectures", `true`},
		{s, "tokenGenerationService.enabled", `true`},
		{s, "templateValidator.placement.nodeSelector.infra", `"yes"`},
		{s, "cluster.workloadArchitectures", `["amd64"]`},
	} {
		t.Run(object.String(c.child, "kind")+"/"+c.path, func(t *testing.T) {
			got, err := json.Marshal(object.Get(c.child, "spec."+c.path))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	templates := object.List(s, "spec.commonTemplates.dataImportCronTemplates")
	if len(templates) != 1 || object.String(templates[0].(map[string]any), "metadata.name") != "mine" {
		t.Errorf("templates %v, want mine alone: common ones are off", templates)
	}
	if _, ok := object.Map(kv, "metadata.annotations")[evenParity]; !ok {
		t.Errorf("alignCPUs does not set KubeVirt's annotation")
	}
}

// TestNoFieldIsForgotten fails if a field of the schema is in no table: it would be taken, and do nothing.
func TestNoFieldIsForgotten(t *testing.T) {
	// These do nothing in v1beta1 by design, or something that is not a field of a child.
	elsewhere := []string{
		"localStorageClassName", "vddkInitImage", "tektonPipelinesNamespace", "tektonTasksNamespace",
		"applicationAwareConfig", "enableApplicationAwareQuota", // no AAQ in the lab
		"commonBootImageNamespace", // TestCronTemplates
	}
	r := release(t, "1.17.3")
	hc := parse(t, everything)
	spec := object.Map(hc, "spec")
	fields, _ := r.spec()["properties"].(map[string]any)
	for name := range fields {
		if spec[name] == nil && !slices.Contains(elsewhere, name) {
			t.Errorf("the example does not set %s", name)
		}
	}
	all := func(hc object.Object) string {
		var b strings.Builder
		for _, child := range []func(object.Object, Cluster) (object.Object, error){
			r.KubeVirtFor, r.CDIFor, r.NetworkAddonsFor, r.SSPFor,
		} {
			o, err := child(hc, cluster3)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(raw)
		}
		return b.String()
	}
	whole := all(hc)
	for name := range spec {
		if name == "enableCommonBootImageImport" || name == "tuningPolicy" || name == "kubeSecondaryDNSNameServerIP" {
			continue // these two work together with others
		}
		less := parse(t, everything)
		delete(object.Map(less, "spec"), name)
		if all(less) == whole {
			t.Errorf("nothing differs without %s", name)
		}
	}
}

func TestKubeVirtGates(t *testing.T) {
	hc := parse(t, "spec: {}")
	for version, want := range map[string][]string{
		"1.16.0": {"VMPersistentState", "HotplugVolumes", "WithHostModelCPU"},
		"1.17.3": {"VideoConfig", "HotplugVolumes", "KubevirtSeccompProfile"},
		"1.18.1": {"VideoConfig", "DecentralizedLiveMigration", "LiveUpdateNADRef"},
	} {
		kv, err := release(t, version).KubeVirtFor(hc, cluster3)
		if err != nil {
			t.Fatal(err)
		}
		gates := object.List(kv, "spec.configuration.developerConfiguration.featureGates")
		for _, w := range want {
			if !slices.Contains(gates, any(w)) {
				t.Errorf("%s: no gate %s in %v", version, w, gates)
			}
		}
		if slices.Contains(gates, any("DeclarativeHotplugVolumes")) {
			t.Errorf("%s: both gates for hot-plugged volumes: %v", version, gates)
		}
	}
	emulated := cluster3
	emulated.Emulation = true
	kv, err := release(t, "1.17").KubeVirtFor(hc, emulated)
	if err != nil {
		t.Fatal(err)
	}
	if !object.Bool(kv, "spec.configuration.developerConfiguration.useEmulation", false) {
		t.Error("KVM_EMULATION does not arrive")
	}
	gates := object.List(kv, "spec.configuration.developerConfiguration.featureGates")
	if slices.Contains(gates, any("WithHostModelCPU")) {
		t.Errorf("a gate that emulation excludes: %v", gates)
	}
}

func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		name         string
		cluster      Cluster
		infra, works string
	}{
		{"three masters", Cluster{ControlPlanes: 3, Workers: 2}, "null", "null"},
		{"two masters and an arbiter", Cluster{ControlPlanes: 2, Arbiters: 1}, "null", "null"},
		{"a single node", Cluster{ControlPlanes: 1, Workers: 1}, `{"replicas":1}`, "null"},
		{"hosted, one worker", Cluster{Workers: 1}, `{"nodePlacement":{},"replicas":1}`, "null"},
		{"hosted, two workers", Cluster{Workers: 2}, `{"nodePlacement":{}}`, "null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kv, err := release(t, "1.17.3").KubeVirtFor(parse(t, "spec: {}"), c.cluster)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]string{"spec.infra": c.infra, "spec.workloads": c.works} {
				if got, _ := json.Marshal(object.Get(kv, path)); string(got) != want {
					t.Errorf("%s is %s, want %s", path, got, want)
				}
			}
		})
	}
}

func TestPatchAnnotations(t *testing.T) {
	r := release(t, "1.17.3")
	hc := parse(t, `
metadata:
  annotations:
    kubevirt.kubevirt.io/jsonpatch: '[{"op":"add","path":"/spec/configuration/cpuModel","value":"Nehalem"}]'
spec: {}`)
	kv, err := r.KubeVirtFor(hc, cluster3)
	if err != nil || object.String(kv, "spec.configuration.cpuModel") != "Nehalem" {
		t.Errorf("patch: %v, cpuModel %q", err, object.String(kv, "spec.configuration.cpuModel"))
	}
	if !isTainted(hc) {
		t.Error("not tainted")
	}
	for _, bad := range []string{`[{"op":"add","path":"/metadata/name","value":"x"}]`, `nonsense`} {
		object.Set(hc, "metadata.annotations", object.Object{"containerizeddataimporter.kubevirt.io/jsonpatch": bad})
		_, err := r.CDIFor(hc, cluster3)
		if err == nil || !strings.Contains(err.Error(), "containerizeddataimporter.kubevirt.io/jsonpatch annotation") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestRefusedSettings(t *testing.T) {
	r := release(t, "1.17.3")
	for text, want := range map[string]string{
		"tuningPolicy: annotation":                                                "annotation not present or wrong",
		"kubeSecondaryDNSNameServerIP: 'fe80::1'":                                 "isn't a valid IPv4",
		"dataImportCronTemplates: [{metadata: {name: a}}, {metadata: {name: a}}]": "DataImportCronTable is already defined",
		"liveMigrationConfig: {bandwidthPerMigration: much}":                      "bandwidthPerMigration",
	} {
		var errs []string
		for _, child := range []func(object.Object, Cluster) (object.Object, error){
			r.KubeVirtFor, r.CDIFor, r.NetworkAddonsFor, r.SSPFor,
		} {
			if _, err := child(parse(t, "spec: {"+text+"}"), cluster3); err != nil {
				errs = append(errs, err.Error())
			}
		}
		if !strings.Contains(strings.Join(errs, " "), want) {
			t.Errorf("%s: got %q, want %q", text, errs, want)
		}
	}
}

func TestTLSProfiles(t *testing.T) {
	hc := parse(t, "spec: {}")
	for _, c := range []struct {
		of            *configv1.TLSSecurityProfile
		lowest, first string
	}{
		{nil, "VersionTLS12", "TLS_AES_128_GCM_SHA256"},
		{&configv1.TLSSecurityProfile{Type: configv1.TLSProfileModernType, Modern: &configv1.ModernTLSProfile{}},
			"VersionTLS13", ""},
		{&configv1.TLSSecurityProfile{Type: configv1.TLSProfileOldType, Old: &configv1.OldTLSProfile{}}, "VersionTLS10",
			"TLS_AES_128_GCM_SHA256"},
	} {
		p, err := profile(hc, Cluster{TLS: c.of})
		if err != nil {
			t.Fatal(err)
		}
		got := kubevirtTLS(p)
		first := ""
		if l := object.List(got, "ciphers"); len(l) > 0 {
			first, _ = l[0].(string)
		}
		if object.String(got, "minTLSVersion") != c.lowest || first != c.first {
			t.Errorf("%v: got %v", c.of, got)
		}
	}
	for name, want := range map[string]string{
		"AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA", "DES-CBC3-SHA": "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
		"ECDHE-RSA-AES128-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-GCM-SHA256": "",
	} {
		if got := iana(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestConversion takes everything to v1 and back.
func TestConversion(t *testing.T) {
	r := release(t, "1.18.1")
	hc := parse(t, everything)
	v1, err := r.Convert(hc, "hco.kubevirt.io/v1")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"apiVersion": "hco.kubevirt.io/v1",
		"spec.virtualization.virtualMachineOptions.defaultCPUModel":            "Haswell",
		"spec.virtualization.vmiCPUAllocationRatio":                            int64(4),
		"spec.deployment.nodePlacements.workload.nodeSelector.work":            "yes",
		"spec.workloadSources.commonInstancetypesDeployment.enabled":           false,
		"spec.storage.workloadResourceRequirements.limits.memory":              "1Gi",
		"spec.networking.kubeMacPoolConfiguration.rangeStart":                  "02:00:00:00:00:00",
		"spec.security.certConfig.ca.duration":                                 "72h0m0s",
		"spec.virtualization.liveMigrationConfig.parallelMigrationsPerCluster": int64(7),
	} {
		if got := object.Get(v1, path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	back, err := r.Convert(v1, "hco.kubevirt.io/v1beta1")
	if err != nil {
		t.Fatal(err)
	}
	// Gates come back complete; they are compared by what they mean.
	for _, g := range append(slices.Clone(r.gates), gate{name: "alignCPUs"}) {
		path := "spec.featureGates." + g.name
		if got, want := object.Bool(back, path, g.enabled), object.Bool(hc, path, g.enabled); got != want {
			t.Errorf("gate %s is %v, want %v", g.name, got, want)
		}
	}
	delete(object.Map(back, "spec"), "featureGates")
	delete(object.Map(hc, "spec"), "featureGates")
	if !reflect.DeepEqual(object.Plain(back), object.Plain(hc)) {
		a, _ := yaml.Marshal(back)
		b, _ := yaml.Marshal(hc)
		t.Errorf("came back as\n%s\nwas\n%s", a, b)
	}
	if _, err := r.Convert(hc, "hco.kubevirt.io/v2"); err == nil {
		t.Error("a version that does not exist")
	}
}

func TestCronTemplates(t *testing.T) {
	r := release(t, "1.17.3")
	hc := parse(t, `
spec:
  commonBootImageNamespace: images
  dataImportCronTemplates:
  - metadata: {name: fedora-image-cron, annotations: {dataimportcrontemplate.kubevirt.io/enable: "false"}}
  - metadata: {name: centos-stream9-image-cron}
    spec: {managedDataSource: centos-stream9, template: {spec: {source: {registry: {url: "docker://mirror/c9"}}}}}
  - metadata: {name: own}
    spec: {managedDataSource: own, schedule: "1 2 * * *"}
status: {dataImportSchedule: "7 3/12 * * *"}`)
	got, err := r.cronTemplates(hc, cluster3)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range got {
		names = append(names, object.String(g, "metadata.name")+" "+object.String(g, "spec.schedule")+" "+
			object.String(g, "metadata.namespace"))
	}
	want := []string{"centos-stream10-image-cron 7 3/12 * * * images", "centos-stream9-image-cron 7 3/12 * * * ",
		"own 1 2 * * * "}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if !object.Bool(got[1], "status.modified", false) || !object.Bool(got[0], "status.commonTemplate", false) ||
		object.Bool(got[2], "status.commonTemplate", false) {
		t.Errorf("statuses %v", got)
	}
	for _, v := range sspTemplates(hc, got) {
		m, _ := v.(map[string]any)
		a := object.Map(m, "metadata.annotations")
		if a[immediateBinding] != "true" || a[dictArchs] != nil || m["status"] != nil {
			t.Errorf("SSP gets %v", m)
		}
	}
	object.Set(hc, "spec.featureGates", object.Object{"enableMultiArchBootImageImport": true})
	arm := Cluster{WorkerArchs: []string{"riscv64"}}
	if got, err = r.cronTemplates(hc, arm); err != nil {
		t.Fatal(err)
	}
	if len(sspTemplates(hc, got)) != 2 {
		t.Errorf("templates for architectures that the cluster lacks: %v", sspTemplates(hc, got))
	}
}
