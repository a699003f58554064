// Package manifests makes the objects of the virtualization stack from virtualization.yaml.
package manifests

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Dir is the directory of the manifests, relative to the asset directory.
const Dir = "virtualization"

// Label is on every object that we make.
const (
	Label   = "app.kubernetes.io/managed-by"
	Manager = "okd-install" // its value, and our field manager
)

// PartAnnotation is on objects of others to which we only add fields, and on namespaces with objects
// of the user. They do not have the label. To remove the stack is to give these fields up, not to
// delete the object.
const PartAnnotation = "virtualization.okd-install.io/part"

// Steps of the deployment in their order.
const (
	StepCatalog        = "catalog"
	StepOperator       = "operator"
	StepStorage        = "storage"
	StepHostNetwork    = "host-network"
	StepNetworks       = "networks"
	StepHyperConverged = "hyperconverged"
	StepAvailability   = "availability"
	StepBackup         = "backup"
	StepMigration      = "migration"
	StepPipelines      = "pipelines"
)

// steps are the directories of the steps. Storage comes before HyperConverged, because images are
// imported to the class that is the default then; networks do, because without its network for
// migrations no virt-handler starts, and HyperConverged would never be available.
var steps = []stepDir{
	{"10", StepCatalog}, {"20", StepOperator}, {"30", StepStorage}, {"35", StepHostNetwork}, {"38", StepNetworks},
	{"40", StepHyperConverged}, {"80", StepAvailability}, {"85", StepBackup}, {"90", StepMigration},
	{"95", StepPipelines},
}

type stepDir struct{ number, name string }

func (d stepDir) dir() string { return d.number + "-" + d.name }

// Dirs are the directories of all steps, relative to the asset directory.
func Dirs() []string {
	var out []string
	for _, s := range steps {
		out = append(out, path.Join(Dir, s.dir()))
	}
	return out
}

// Steps are the names of all steps in their order.
func Steps() []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.name)
	}
	return out
}

// object is a Kubernetes object, or a part of one.
type object = map[string]any

// Manifest is one object. They are applied in the order of their paths.
type Manifest struct {
	Step   string         // such as storage
	Path   string         // relative to Dir, such as 30-storage/10-storageclass-hostpath.yaml
	Object map[string]any // plain data, as decoded from JSON
}

// Kind is the kind of the object.
func (m Manifest) Kind() string { return text(m.Object, "kind") }

// APIVersion is the group and version of the object.
func (m Manifest) APIVersion() string { return text(m.Object, "apiVersion") }

// Name is the name of the object.
func (m Manifest) Name() string { return text(m.Object, "metadata", "name") }

// Namespace is the namespace of the object, empty if it is in none.
func (m Manifest) Namespace() string { return text(m.Object, "metadata", "namespace") }

// YAML is the object as a file.
func (m Manifest) YAML() ([]byte, error) {
	data, err := yaml.Marshal(m.Object)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", m.Path, err)
	}
	return data, nil
}

func text(o object, at ...string) string {
	for _, key := range at[:len(at)-1] {
		o, _ = o[key].(object)
	}
	s, _ := o[at[len(at)-1]].(string)
	return s
}

// set collects manifests.
type set struct {
	list  []Manifest
	paths map[string]bool
	errs  []error
}

// unsafe is what a file's name does not get from an object's.
var unsafe = regexp.MustCompile(`[^a-z0-9.-]+`)

// add adds an object of ours. Within a step objects are applied by rank.
func (s *set) add(step string, rank int, o object) {
	meta, _ := o["metadata"].(object)
	labels, _ := meta["labels"].(object)
	if labels == nil {
		labels = object{}
		meta["labels"] = labels
	}
	labels[Label] = Manager
	s.put(step, fmt.Sprintf("%02d", rank), o)
}

// part adds fields to an object that others made or may have made.
func (s *set) part(step string, rank int, o object) {
	meta, _ := o["metadata"].(object)
	annotations, _ := meta["annotations"].(object)
	if annotations == nil {
		annotations = object{}
		meta["annotations"] = annotations
	}
	annotations[PartAnnotation] = "true"
	s.put(step, fmt.Sprintf("%02d", rank), o)
}

func (s *set) put(step, number string, o object) {
	m := Manifest{Step: step, Object: o}
	at := slices.IndexFunc(steps, func(d stepDir) bool { return d.name == step })
	name := func(parts ...string) string {
		text := unsafe.ReplaceAllString(strings.ToLower(strings.Join(parts, "-")), "-")
		return fmt.Sprintf("%s/%s-%s.yaml", steps[at].dir(), number, strings.Trim(text, "-."))
	}
	m.Path = name(m.Kind(), m.Name())
	if s.paths[m.Path] {
		m.Path = name(m.Kind(), m.Namespace(), m.Name())
	}
	s.paths[m.Path] = true
	s.list = append(s.list, m)
}

func (s *set) fail(format string, args ...any) { s.errs = append(s.errs, fmt.Errorf(format, args...)) }

// sorted returns the manifests in the order in which they are applied.
func (s *set) sorted() []Manifest {
	slices.SortStableFunc(s.list, func(a, b Manifest) int { return strings.Compare(a.Path, b.Path) })
	return s.list
}

// newObject is an object. Without a namespace it is in none.
func newObject(apiVersion, kind, namespace, name string) object {
	meta := object{"name": name}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	return object{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
}
