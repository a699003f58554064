package virtualization

// GoldenImages are images of operating systems that the cluster imports and keeps current.
type GoldenImages struct {
	// Enabled imports the common images: CentOS Stream 9 and 10, and Fedora. Default: true, false without storage for
	// VMs. The images of sources are imported in any case.
	Enabled *bool `json:"enabled,omitempty"`
	// Disconnected imports the common images from mirrors only, and leaves those out that have none. Default: true if
	// install-config.yaml has mirrors for quay.io/containerdisks.
	Disconnected *bool `json:"disconnected,omitempty"`
	// Namespace is where the images are. Default: kubevirt-os-images. If it is set, the namespace is created.
	Namespace string `json:"namespace,omitempty" default:"kubevirt-os-images" pattern:"label-name"`
	// Disable are names of common images that are not imported. Default: none. One of centos-stream9, centos-stream10,
	// fedora.
	Disable []string `json:"disable,omitempty" enum:"centos-stream9,centos-stream10,fedora"`
	// Sources are further images. Default: none. One with the name of a common image takes its place.
	Sources []ImageSource `json:"sources,omitempty"`
}

// ImageSource is an image in a registry, imported again whenever it changes.
type ImageSource struct {
	// Name is the name of the DataSource that VMs refer to.
	Name string `json:"name" required:"true" pattern:"label-name" maxlength:"52"`
	// Image is a container disk, like quay.io/containerdisks/debian:12.
	Image string `json:"image" required:"true" pattern:"image"`
	// Size is the size of the disk. Default: 10Gi.
	Size string `json:"size,omitempty" default:"10Gi" pattern:"quantity"`
	// Schedule is when to look for a new image, in the form of cron. Default: 0 3 * * *.
	Schedule string `json:"schedule,omitempty" default:"0 3 * * *" pattern:"schedule"`
	// Keep is how many older images are kept. Default: 3.
	Keep int `json:"keep,omitempty" default:"3" min:"1"`
	// StorageClass is where the disk is. Default: the class for VMs.
	StorageClass string `json:"storageClass,omitempty" pattern:"object-name"`
	// PullMethod says who pulls the image. Default: pod, node if disconnected. One of pod, node. A node has the
	// cluster's pull secret and trusted certificates; a pod has neither.
	PullMethod string `json:"pullMethod,omitempty" enum:"pod,node"`
	// SecretName is the Secret with a login of the registry, with accessKeyId and secretKey, in the namespace of the
	// images. Default: none. Only for pullMethod pod.
	SecretName string `json:"secretName,omitempty" pattern:"object-name"`
	// CertConfigMap is the ConfigMap with the registry's CA in the namespace of the images. Default: none. Only for
	// pullMethod pod.
	CertConfigMap string `json:"certConfigMap,omitempty" pattern:"object-name"`
	// Instancetype is the instance type of VMs that name none, like u1.medium. Default: none.
	Instancetype string `json:"instancetype,omitempty" pattern:"object-name"`
	// Preference is the preference of VMs that name none, like debian. Default: none.
	Preference string `json:"preference,omitempty" pattern:"object-name"`
}
