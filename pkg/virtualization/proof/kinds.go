package proof

import "github.com/okd-install/okd-install/pkg/kube"

var (
	hyperconvergeds = kube.Kind{Group: "hco.kubevirt.io", Version: "v1beta1", Plural: "hyperconvergeds"}
	kubevirts       = kube.Kind{Group: "kubevirt.io", Version: "v1", Plural: "kubevirts"}
	machines        = kube.Kind{Group: "kubevirt.io", Version: "v1", Plural: "virtualmachines"}
	instances       = kube.Kind{Group: "kubevirt.io", Version: "v1", Plural: "virtualmachineinstances"}
	migrations      = kube.Kind{Group: "kubevirt.io", Version: "v1", Plural: "virtualmachineinstancemigrations"}

	volumes         = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "datavolumes"}
	dataSources     = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "datasources"}
	importCrons     = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "dataimportcrons"}
	storageProfiles = kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "storageprofiles"}
	storageClasses  = kube.Kind{Group: "storage.k8s.io", Version: "v1", Plural: "storageclasses"}

	namespaces = kube.Kind{Version: "v1", Plural: "namespaces"}
	services   = kube.Kind{Version: "v1", Plural: "services"}
	claims     = kube.Kind{Version: "v1", Plural: "persistentvolumeclaims"}
	daemonSets = kube.Kind{Group: "apps", Version: "v1", Plural: "daemonsets"}
)
