package assets_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// definitions are where OpenShift's API module keeps the custom resource
// definitions of the kinds in manifests: the directory and the kind's plural name.
// Those of one feature set have its name before the suffix; Default stands for no
// feature set.
var definitions = map[string]string{
	"config.openshift.io/v1 ClusterVersion":                   "config/v1 clusterversions",
	"config.openshift.io/v1 DNS":                              "config/v1 dnses",
	"config.openshift.io/v1 FeatureGate":                      "config/v1 featuregates",
	"config.openshift.io/v1 ImageDigestMirrorSet":             "config/v1 imagedigestmirrorsets",
	"config.openshift.io/v1 Infrastructure":                   "config/v1 infrastructures",
	"config.openshift.io/v1 Ingress":                          "config/v1 ingresses",
	"config.openshift.io/v1 Network":                          "config/v1 networks",
	"config.openshift.io/v1 Proxy":                            "config/v1 proxies",
	"config.openshift.io/v1 Scheduler":                        "config/v1 schedulers",
	"operator.openshift.io/v1 Network":                        "operator/v1 networks",
	"operator.openshift.io/v1alpha1 ImageContentSourcePolicy": "operator/v1alpha1 imagecontentsourcepolicies",
	"machineconfiguration.openshift.io/v1 MachineConfig":      "machineconfiguration/v1 machineconfigs",
	"machine.openshift.io/v1beta1 Machine":                    "machine/v1beta1 machines",
	"machine.openshift.io/v1beta1 MachineSet":                 "machine/v1beta1 machinesets",
}

// schemas reads the definitions of the API module that the project uses.
type schemas struct {
	dir  string
	read map[string]*spec.Schema
}

func openSchemas(t *testing.T) *schemas {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/openshift/api").Output()
	if err != nil {
		t.Fatalf("find the module with OpenShift's API: %v", err)
	}
	return &schemas{strings.TrimSpace(string(out)), map[string]*spec.Schema{}}
}

func (s *schemas) of(t *testing.T, kind, featureSet string) *spec.Schema {
	t.Helper()
	if featureSet == "" {
		featureSet = "Default"
	}
	key := kind + " " + featureSet
	if s.read[key] != nil {
		return s.read[key]
	}
	group, plural, _ := strings.Cut(definitions[kind], " ")
	matches, err := filepath.Glob(
		filepath.Join(s.dir, filepath.FromSlash(group), "zz_generated.crd-manifests", "*_"+plural+"*.crd.yaml"))
	if err != nil || len(matches) == 0 {
		t.Fatalf("no definition of %s: %v", kind, err)
	}
	file := matches[0]
	for _, m := range matches {
		if strings.HasSuffix(m, "-"+featureSet+".crd.yaml") {
			file = m
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema json.RawMessage `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	version := strings.TrimPrefix(strings.Fields(kind)[0], strings.Split(kind, "/")[0]+"/")
	for _, v := range crd.Spec.Versions {
		if v.Name != version {
			continue
		}
		schema := &spec.Schema{}
		if err := json.Unmarshal(v.Schema.OpenAPIV3Schema, schema); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s.read[key] = schema
		return schema
	}
	t.Fatalf("%s has no version %s", file, version)
	return nil
}

// Every manifest is valid by the schema with which OpenShift's API server checks
// it. The lab's API server has no schemas, so nothing else would notice.
func TestSchemas(t *testing.T) {
	all := openSchemas(t)
	checked := map[string]bool{}
	for _, c := range allCases() {
		config, files := c.render(t)
		for _, f := range files {
			var object map[string]any
			if err := yaml.Unmarshal(f.Data, &object); err != nil {
				t.Fatal(err)
			}
			head := metav1.TypeMeta{APIVersion: object["apiVersion"].(string), Kind: object["kind"].(string)}
			kind := head.APIVersion + " " + head.Kind
			if definitions[kind] == "" {
				continue
			}
			checked[kind] = true
			result := validate.NewSchemaValidator(all.of(t, kind, config.FeatureSet), nil, "", strfmt.Default).Validate(object)
			for _, err := range result.Errors {
				t.Errorf("%s: %s: %v", c, f.Path, err)
			}
		}
	}
	for kind := range definitions {
		if !checked[kind] {
			t.Errorf("no case has a %s", kind)
		}
	}
}
