package virtualization

// Pipelines are the tasks of kubevirt-tekton-tasks.
type Pipelines struct {
	// Namespaces get the tasks, and are created if they are not there. At least one.
	Namespaces []string `json:"namespaces" required:"true" pattern:"label-name"`
	// TasksFile is the manifest of the tasks, kubevirt-tekton-tasks.yaml of a release of kubevirt/kubevirt-tekton-tasks.
	// Relative to the directory of virtualization.yaml.
	TasksFile string `json:"tasksFile" required:"true" pattern:"file"`
	// TektonFile is the manifest of Tekton Pipelines. Default: none, if the cluster has Tekton. Relative to the
	// directory of virtualization.yaml.
	TektonFile string `json:"tektonFile,omitempty" pattern:"file"`

	tasks, tekton []byte
}
