// Package staticpod rolls control plane components out as static pods: it
// snapshots their inputs as numbered revisions, has an installer pod write one to
// each node's disk, and reports how far that is. A node then starts the component
// with no API server anywhere: so a control plane comes up after a power cut.
package staticpod

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Component describes one operator and its static pod.
type Component struct {
	Name     string    // the ClusterOperator: kube-apiserver
	Pod      string    // name in the manifest; the mirror pod is <Pod>-<node>
	Resource kube.Kind // of the operator's cluster resource
	Kind     string    // of Resource

	Arbiters bool // it also runs on arbiters, which have nothing else of the control plane

	// Inputs of a revision besides PodConfigMap: a change of any makes a new one.
	ConfigMaps, Secrets []string

	// Inputs that differ per node or may change under a running pod; the installer
	// copies them as they are, and a change of these makes no revision.
	CertConfigMaps, CertSecrets []string
}

// Namespace is where the component's inputs and pods are.
func (c *Component) Namespace() string { return "openshift-" + c.Name }

// OperatorNamespace is where the operator runs.
func (c *Component) OperatorNamespace() string { return c.Namespace() + "-operator" }

// Deployment is the operator's own, to which events are attached.
func (c *Component) Deployment() string { return c.Pod + "-operator" }

// PodConfigMap has key pod.yaml, and names directory and manifest on disk.
func (c *Component) PodConfigMap() string { return c.Name + "-pod" }

// CertDir is the directory on disk of the inputs that belong to no revision.
func (c *Component) CertDir() string { return c.Name + "-certs" }

// Images and versions are from the environment of an operator.
type Images struct {
	Operand        string // of the component
	Operator       string // of the operator, which installer pods run
	Version        string // of the release, reported when all nodes run the latest revision
	OperandVersion string // of the component itself, reported under its name
}

// Prepare is what is particular to one component: it brings the inputs up to
// date, given the control plane's nodes. It is called once per pass and must be
// cheap when there is nothing to do.
type Prepare func(ctx context.Context, nodes []corev1.Node) (Report, error)

// Report is what Prepare found.
type Report struct {
	// Pod is the manifest to publish, a template that installers fill in.
	Pod *corev1.Pod
	// Missing says what input is not there yet; no revision is made meanwhile.
	Missing string
	// Busy keeps the operator looking often.
	Busy bool
	// Refused says why the component must not be installed first on a node yet.
	Refused map[string]string
	// Hold says why no running pod may be replaced now.
	Hold string
	// Unavailable says why the component does not serve, although pods run.
	Unavailable string
	// Degraded says what is wrong.
	Degraded string
	// Conditions are further conditions of the operator's resource.
	Conditions []operator.Condition
}

// Command is the verb that runs an operator while it holds its lease.
func Command(name string, build func(*api.Client, clock.Clock, Images) *Operator) program.Command {
	return program.Command{Name: "operator", Run: func(ctx context.Context, args []string) error {
		f := contract.Flags(name + " operator")
		kubeconfig := f.String("kubeconfig", "", "kubeconfig; default is the service account")
		if err := contract.Parse(f, args); err != nil {
			return err
		}
		c, err := api.Connect(name, *kubeconfig)
		if err != nil {
			return err
		}
		o := build(c, clock.Real(), Images{
			Operand: os.Getenv("IMAGE"), Operator: os.Getenv("OPERATOR_IMAGE"),
			Version: os.Getenv(contract.VersionVariable), OperandVersion: os.Getenv("OPERAND_IMAGE_VERSION"),
		})
		return operator.Lead(ctx, c, o.Log, o.lease(), o.Run)
	}}
}

//go:embed templates
var templates embed.FS

const (
	installerAccount = "installer-sa"
	installerApp     = "installer"
)

// Pod fills in the manifest of a pod.
func Pod(files fs.FS, name string, data any) (*corev1.Pod, error) {
	text, err := program.FillFile(files, name, data)
	if err != nil {
		return nil, err
	}
	pod := new(corev1.Pod)
	if err := yaml.UnmarshalStrict(text, pod); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", name, err)
	}
	return pod, nil
}

// installerPod runs the installer on its node.
func (o *Operator) installerPod(s step, nodeIP string) (*corev1.Pod, error) {
	name := fmt.Sprintf("installer-%d-%s", s.Revision, s.Node)
	if s.Attempt > 0 {
		name = fmt.Sprintf("installer-%d-retry-%d-%s", s.Revision, s.Attempt, s.Node)
	}
	return Pod(templates, "templates/installer-pod.yaml.tmpl", struct {
		*Operator
		step
		PodName, NodeIP string
	}{o, s, name, nodeIP})
}

// Ready reports whether a pod runs and is ready.
func Ready(p *corev1.Pod) bool {
	ready := func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue }
	return p.Status.Phase == corev1.PodRunning && slices.ContainsFunc(p.Status.Conditions, ready)
}
