package bootstrap

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

//go:embed templates
var templates embed.FS

// Run renders everything below DestDir:
//
//	bootstrap/manifests   what machine-config-controller bootstrap reads
//	bootstrap/machineconfigoperator-bootstrap-pod.yaml
//	manifests             objects for the cluster
//	<platform>/{manifests,static-pod-resources}
func (o Options) Run() error {
	in, err := o.read()
	if err != nil {
		return err
	}
	w := &writer{root: o.DestDir}
	w.object("bootstrap/manifests/machineconfigcontroller-controllerconfig.yaml", in.controller, 0o644)
	w.object("manifests/machine-config-operator_controllerconfig.yaml", in.controller, 0o644)
	w.object("bootstrap/manifests/machineconfigcontroller-pull-secret", secret(in.pullSecret), 0o600)
	for _, role := range []string{"master", "worker"} {
		pool := mc.Pool(role)
		w.object("bootstrap/manifests/"+role+".machineconfigpool.yaml", pool, 0o644)
		w.object("manifests/machine-config-operator_"+role+".machineconfigpool.yaml", pool, 0o644)
	}
	pod, err := fill("templates/bootstrap-pod.yaml.tmpl", struct{ Image, PullSecret, Version string }{
		in.controller.Spec.Images[render.ImageMCO], "/etc/mcc/bootstrap/machineconfigcontroller-pull-secret", o.PayloadVersion,
	})
	if err != nil {
		return err
	}
	w.file("bootstrap/machineconfigoperator-bootstrap-pod.yaml", pod, 0o644)
	if err := o.platform(w, in.controller); err != nil {
		return err
	}
	return w.err
}

// platform writes the bootstrap machine's own static pods and the objects
// that the platform's pods need in the cluster.
func (o Options) platform(w *writer, cc *mcfgv1.ControllerConfig) error {
	d, err := render.NewData(cc, "bootstrap")
	if err != nil {
		return err
	}
	d.Bootstrap = true
	objects, err := fill("templates/cluster-objects.yaml.tmpl", d)
	if err != nil {
		return err
	}
	// cluster-bootstrap applies one object per file.
	for _, doc := range strings.Split(string(objects), "\n---\n") {
		var head metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			return fmt.Errorf("render cluster objects: %w", err)
		}
		if head.Name == "" {
			continue
		}
		prefix := "machine-config-operator_10_"
		if head.Kind == "Namespace" {
			prefix = "machine-config-operator_00_"
		}
		w.file("manifests/"+prefix+strings.ToLower(head.Kind)+"-"+strings.ReplaceAll(head.Name, ":", "-")+".yaml", []byte(doc), 0o644)
	}
	files, err := render.OnPrem(d)
	if err != nil {
		return err
	}
	platform := strings.ToLower(string(cc.Spec.Infra.Status.PlatformStatus.Type))
	for _, f := range files {
		w.file(platform+"/"+f.Path, f.Data, 0o644)
	}
	return nil
}

func secret(s *corev1.Secret) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: pullData(s)},
	}
}

func fill(name string, data any) ([]byte, error) {
	raw, err := templates.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t, err := template.New(filepath.Base(name)).Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// writer writes files until the first error.
type writer struct {
	root string
	err  error
}

func (w *writer) object(path string, obj any, mode os.FileMode) {
	if w.err != nil {
		return
	}
	raw, err := yaml.Marshal(obj)
	if err != nil {
		w.err = fmt.Errorf("encode %s: %w", path, err)
		return
	}
	w.file(path, raw, mode)
}

func (w *writer) file(path string, data []byte, mode os.FileMode) {
	if w.err != nil {
		return
	}
	full := filepath.Join(w.root, path)
	if w.err = os.MkdirAll(filepath.Dir(full), 0o755); w.err == nil {
		w.err = os.WriteFile(full, data, mode)
	}
}
