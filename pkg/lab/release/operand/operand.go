// Package operand runs the lab's small operators: each renders manifests from
// the cluster's configuration, applies them, and reports from the state of
// what they started.
package operand

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"text/template"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

const (
	busyEvery = 2 * time.Second  // between looks while something is missing
	idleEvery = 10 * time.Second // between looks afterwards
	resync    = 5 * time.Minute  // between applies of unchanged manifests
)

// Operator keeps one part of the cluster as it should be.
type Operator struct {
	Name      string     // of the ClusterOperator
	Manifests string     // file in the operands directory; empty for none
	Workloads []Workload // that must run for the part to work
	// Before runs ahead of the manifests and makes what they need; After runs
	// once the workloads are up and returns what is still missing. Either may
	// be nil.
	Before func(context.Context, *kube.Client, Cluster) error
	After  func(context.Context, *kube.Client, Cluster) (missing string, err error)
}

// Runner runs operators in one process.
type Runner struct {
	Client    *kube.Client
	Clock     clock.Clock
	Log       *slog.Logger
	Files     fs.FS // manifests of the operands
	Images    func(name string) string
	Version   string
	Operators []Operator

	applied map[string]applied
	said    map[string]string
}

type applied struct {
	text []byte
	at   time.Time
}

// Run works until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	r.applied, r.said = map[string]applied{}, map[string]string{}
	for {
		every := idleEvery
		if !r.round(ctx) {
			every = busyEvery
		}
		if r.Clock.Sleep(ctx, every) != nil {
			return nil
		}
	}
}

// round looks at every operator once and says whether all is well.
func (r *Runner) round(ctx context.Context) bool {
	cluster, err := ReadCluster(ctx, r.Client, r.Images, r.Version)
	if err != nil {
		r.say("cluster", err.Error())
		return false
	}
	well := true
	for _, o := range r.Operators {
		h := r.sync(ctx, o, cluster)
		if ctx.Err() != nil {
			return false
		}
		well = well && h.Available && !h.Progressing && !h.Degraded
		r.say(o.Name, fmt.Sprintf("available=%v progressing=%v degraded=%v %s", h.Available, h.Progressing, h.Degraded, h.Message))
		if err := r.Client.Report(ctx, o.Name, r.Version, o.related(), h, r.Clock.Now()); err != nil {
			r.say(o.Name+" report", err.Error())
			well = false
		}
	}
	return well
}

func (r *Runner) sync(ctx context.Context, o Operator, cluster Cluster) kube.Health {
	if o.Before != nil {
		if err := o.Before(ctx, r.Client, cluster); err != nil {
			return kube.Failed(false, "PreparationFailed", err)
		}
	}
	if err := r.apply(ctx, o, cluster); err != nil {
		return kube.Failed(false, "ApplyFailed", err)
	}
	h, err := lookAt(ctx, r.Client, o.Workloads)
	if err != nil {
		return kube.Failed(false, "StatusUnknown", err)
	}
	if !h.Available || o.After == nil {
		return h
	}
	missing, err := o.After(ctx, r.Client, cluster)
	if err != nil {
		return kube.Failed(false, "CheckFailed", err)
	}
	if missing != "" {
		return kube.Waiting("Incomplete", missing)
	}
	return h
}

// apply brings the manifests to the server when they changed and now and then.
func (r *Runner) apply(ctx context.Context, o Operator, cluster Cluster) error {
	if o.Manifests == "" {
		return nil
	}
	text, err := Render(r.Files, o.Manifests, cluster)
	if err != nil {
		return err
	}
	last, now := r.applied[o.Name], r.Clock.Now()
	if bytes.Equal(last.text, text) && now.Sub(last.at) < resync {
		return nil
	}
	objects, err := decode(text)
	if err != nil {
		return fmt.Errorf("parse manifests of %s: %w", o.Name, err)
	}
	for _, object := range objects {
		if _, err := r.Client.Apply(ctx, object); err != nil {
			return err
		}
	}
	r.applied[o.Name] = applied{text, now}
	return nil
}

// Render fills in an operand's manifests.
func Render(files fs.FS, name string, cluster Cluster) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").
		Funcs(template.FuncMap{"join": strings.Join}).ParseFS(files, name)
	if err != nil {
		return nil, fmt.Errorf("parse manifests: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, cluster); err != nil {
		return nil, fmt.Errorf("render manifests: %w", err)
	}
	return out.Bytes(), nil
}

func decode(data []byte) ([]*unstructured.Unstructured, error) {
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var out []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}

func (o Operator) related() []configv1.ObjectReference {
	var out []configv1.ObjectReference
	for _, w := range o.Workloads {
		out = append(out, configv1.ObjectReference{Group: "apps", Resource: strings.ToLower(w.Kind) + "s", Namespace: w.Namespace, Name: w.Name})
	}
	return out
}

// say logs a state once, not each time it is seen.
func (r *Runner) say(who, what string) {
	if r.said[who] != what {
		r.said[who] = what
		r.Log.Info("state", "of", who, "is", what)
	}
}
