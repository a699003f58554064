package manifests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// PipelineAccount is the ServiceAccount that Tekton runs pipelines with.
const PipelineAccount = "pipeline"

// clusterScoped are kinds without a namespace that manifests of tasks may have.
var clusterScoped = []string{
	"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "PriorityClass",
}

// pipelines adds Tekton and the tasks from the manifests that the user has got. Their objects keep
// their order.
func (r *renderer) pipelines(c *virtualization.Config) {
	p := c.Pipelines
	if p == nil {
		return
	}
	if p.Tekton() != nil {
		for i, o := range r.documents(p.TektonFile, p.Tekton()) {
			r.numbered("10", i, o)
		}
	}
	for _, namespace := range p.Namespaces {
		r.userNamespace(StepPipelines, namespace)
		account := newObject("v1", "ServiceAccount", namespace, PipelineAccount)
		if r.once("ServiceAccount", namespace, PipelineAccount) {
			r.part(StepPipelines, rankFirst, account) // Tekton's operator makes it, too
			binding := newObject("rbac.authorization.k8s.io/v1", "RoleBinding", namespace, "okd-install-pipeline")
			binding["roleRef"] = object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
			binding["subjects"] = []any{object{
				"kind": "ServiceAccount", "name": PipelineAccount, "namespace": namespace,
			}}
			r.add(StepPipelines, rankMain, binding)
		}
	}
	for n, namespace := range p.Namespaces {
		for i, o := range r.documents(p.TasksFile, p.Tasks()) {
			kind := text(o, "kind")
			if slices.Contains(clusterScoped, kind) {
				if n > 0 {
					continue
				}
			} else {
				o["metadata"].(object)["namespace"] = namespace
			}
			subjects, _ := o["subjects"].([]any)
			for _, s := range subjects {
				if s, ok := s.(object); ok && s["kind"] == "ServiceAccount" && s["namespace"] == nil {
					s["namespace"] = namespace
				}
			}
			r.numbered(fmt.Sprintf("60-%02d", n), i, o)
		}
	}
}

// numbered adds an object whose place in a list matters.
func (r *renderer) numbered(number string, i int, o object) {
	meta := o["metadata"].(object)
	marks, _ := meta["labels"].(object)
	if marks == nil {
		marks = object{}
		meta["labels"] = marks
	}
	marks[Label] = Manager
	r.put(StepPipelines, fmt.Sprintf("%s-%03d", number, i), o)
}

// documents are the objects in a manifest that the user has got elsewhere.
func (r *renderer) documents(file string, data []byte) []object {
	found := report.New(file)
	var list []object
	decode.Each(data, decode.Options{}, found, func(i int, document *map[string]any) {
		o := plain(*document).(object)
		checkObject(found.Field(report.Path{}.Index(i)), o)
		list = append(list, o)
	})
	if found.Failed() {
		r.fail("pipelines: %s", strings.Join(found.Lines(false), "\n"))
		return nil
	}
	return list
}
