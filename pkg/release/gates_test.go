package release

import (
	"maps"
	"testing"
)

// The manifest of 4.20, in JSON, and that of 5.0, with its major versions.
const (
	gatesOf420 = `{"apiVersion":"config.openshift.io/v1","kind":"FeatureGate","metadata":{"name":"cluster",
 "annotations":{"include.release.openshift.io/self-managed-high-availability":"false-except-for-the-config-operator"}},
 "spec":{},"status":{"featureGates":[
  {"disabled":[{"name":"DualReplica"}],"enabled":[{"name":"HighlyAvailableArbiter"}],"version":""}]}}`
	previewOf50 = `apiVersion: config.openshift.io/v1
kind: FeatureGate
metadata:
  name: cluster
  annotations:
    include.release.openshift.io/self-managed-high-availability: "false-except-for-the-config-operator"
    release.openshift.io/feature-set: TechPreviewNoUpgrade
    release.openshift.io/major-version: "5,6"
spec: {featureSet: TechPreviewNoUpgrade}
status:
  featureGates:
  - enabled: [{name: OnPremDNSRecords}]
`
	hosted = `{"kind":"FeatureGate","metadata":{"name":"cluster",
 "annotations":{"include.release.openshift.io/ibm-cloud-managed":"x"}},
 "spec":{},"status":{"featureGates":[{"enabled":[{"name":"OnlyHosted"}]}]}}`
)

func TestGates(t *testing.T) {
	const profile = "self-managed-high-availability"
	p := payload{
		references: []byte(`{"kind":"ImageStream","metadata":{"name":"5.0.0"},
			"spec":{"tags":[{"name":"etcd","from":{"kind":"DockerImage","name":"r/e@sha256:1"}}]}}`),
		metadata: []byte(`{"version":"5.0.0"}`),
		gates: [][]byte{
			[]byte(hosted), []byte(gatesOf420), []byte("kind: CustomResourceDefinition\n---\n" + previewOf50),
		},
	}
	r, err := parse(p)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"DualReplica": false, "HighlyAvailableArbiter": true}
	if got := r.Gates(profile, ""); !maps.Equal(got, want) {
		t.Errorf("gates %v", got)
	}
	want = map[string]bool{"OnPremDNSRecords": true}
	if got := r.Gates(profile, "TechPreviewNoUpgrade"); !maps.Equal(got, want) {
		t.Errorf("gates of the preview %v", got)
	}
	if got := r.Gates(profile, "CustomNoUpgrade"); got != nil {
		t.Errorf("gates of the users' set: %v", got)
	}
	if got := r.Gates("another-profile", ""); got != nil {
		t.Errorf("gates of another profile: %v", got)
	}
	r.Version = "4.22.0" // the preview is for 5 and 6
	if got := r.Gates(profile, "TechPreviewNoUpgrade"); got != nil {
		t.Errorf("gates of another release: %v", got)
	}
	if got := (&Release{Version: "4.20.0"}).Gates(profile, ""); got != nil {
		t.Errorf("gates of a release without any: %v", got)
	}
}

func TestGatesThatCannotBeRead(t *testing.T) {
	if _, err := parseGates([]byte("{")); err == nil {
		t.Error("accepted")
	}
}

func FuzzParseGates(f *testing.F) {
	f.Add([]byte(gatesOf420))
	f.Add([]byte(previewOf50))
	f.Fuzz(func(t *testing.T, raw []byte) {
		sets, err := parseGates(raw)
		for _, s := range sets {
			if err == nil && s.gates == nil {
				t.Errorf("%q gives a set without gates", raw)
			}
		}
	})
}
