package crds

const (
	config   = "config.openshift.io"
	operator = "operator.openshift.io"
	mco      = "machineconfiguration.openshift.io"
	machine  = "machine.openshift.io"
)

func condition(t string) Column {
	return Column{t, "string", `.status.conditions[?(@.type=="` + t + `")].status`}
}

func since(t string) Column {
	return Column{"Since", "date", `.status.conditions[?(@.type=="` + t + `")].lastTransitionTime`}
}

// kinds are those that the installer's manifests and the lab's operators use.
var kinds = []Kind{
	{Level: "0000_00_cluster-version-operator", Group: config, Version: "v1", Kind: "ClusterOperator", Plural: "clusteroperators", Short: []string{"co"}, Columns: []Column{
		{"Version", "string", `.status.versions[?(@.name=="operator")].version`},
		condition("Available"), condition("Progressing"), condition("Degraded"), since("Available"),
	}},
	{Level: "0000_00_cluster-version-operator", Group: config, Version: "v1", Kind: "ClusterVersion", Plural: "clusterversions", Columns: []Column{
		{"Version", "string", `.status.history[?(@.state=="Completed")].version`},
		condition("Available"), condition("Progressing"), since("Progressing"),
		{"Status", "string", `.status.conditions[?(@.type=="Progressing")].message`},
	}},
	{Level: "0000_03_config-operator", Group: config, Version: "v1", Kind: "Proxy", Plural: "proxies"},
	{Level: "0000_03_marketplace", Group: config, Version: "v1", Kind: "OperatorHub", Plural: "operatorhubs"},
	{Level: "0000_03_config-operator", Group: "security.openshift.io", Version: "v1", Kind: "SecurityContextConstraints", Plural: "securitycontextconstraints", Short: []string{"scc"}, NoStatus: true},
	{Level: "0000_03_cloud-credential", Group: "cloudcredential.openshift.io", Version: "v1", Kind: "CredentialsRequest", Plural: "credentialsrequests", Namespaced: true},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "APIServer", Plural: "apiservers"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Authentication", Plural: "authentications"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Console", Plural: "consoles"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "DNS", Plural: "dnses"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "FeatureGate", Plural: "featuregates"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Image", Plural: "images"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "ImageDigestMirrorSet", Plural: "imagedigestmirrorsets", Short: []string{"idms"}},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "ImageTagMirrorSet", Plural: "imagetagmirrorsets", Short: []string{"itms"}},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Infrastructure", Plural: "infrastructures"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Ingress", Plural: "ingresses"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Network", Plural: "networks", NoStatus: true},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Node", Plural: "nodes"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "OAuth", Plural: "oauths"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Project", Plural: "projects"},
	{Level: "0000_10_config-operator", Group: config, Version: "v1", Kind: "Scheduler", Plural: "schedulers"},
	{Level: "0000_10_config-operator", Group: operator, Version: "v1", Kind: "Config", Plural: "configs"},
	{Level: "0000_10_config-operator", Group: operator, Version: "v1alpha1", Kind: "ImageContentSourcePolicy", Plural: "imagecontentsourcepolicies"},
	{Level: "0000_10_machine-api", Group: machine, Version: "v1beta1", Kind: "Machine", Plural: "machines", Namespaced: true},
	{Level: "0000_10_machine-api", Group: machine, Version: "v1beta1", Kind: "MachineSet", Plural: "machinesets", Namespaced: true},
	{Level: "0000_10_control-plane-machine-set", Group: machine, Version: "v1", Kind: "ControlPlaneMachineSet", Plural: "controlplanemachinesets", Namespaced: true},
	{Level: "0000_12_etcd", Group: operator, Version: "v1", Kind: "Etcd", Plural: "etcds"},
	{Level: "0000_20_kube-apiserver", Group: operator, Version: "v1", Kind: "KubeAPIServer", Plural: "kubeapiservers"},
	{Level: "0000_25_kube-controller-manager", Group: operator, Version: "v1", Kind: "KubeControllerManager", Plural: "kubecontrollermanagers"},
	{Level: "0000_25_kube-scheduler", Group: operator, Version: "v1", Kind: "KubeScheduler", Plural: "kubeschedulers"},
	{Level: "0000_40_cloud-credential", Group: operator, Version: "v1", Kind: "CloudCredential", Plural: "cloudcredentials"},
	{Level: "0000_50_console", Group: operator, Version: "v1", Kind: "Console", Plural: "consoles"},
	{Level: "0000_50_csi-driver", Group: operator, Version: "v1", Kind: "ClusterCSIDriver", Plural: "clustercsidrivers"},
	{Level: "0000_50_ingress", Group: operator, Version: "v1", Kind: "IngressController", Plural: "ingresscontrollers", Namespaced: true},
	{Level: "0000_50_route", Group: "route.openshift.io", Version: "v1", Kind: "Route", Plural: "routes", Namespaced: true},
	{Level: "0000_50_storage", Group: operator, Version: "v1", Kind: "Storage", Plural: "storages"},
	{Level: "0000_70_dns", Group: operator, Version: "v1", Kind: "DNS", Plural: "dnses"},
	{Level: "0000_70_network", Group: operator, Version: "v1", Kind: "Network", Plural: "networks"},
	{Level: "0000_80_machine-config", Group: mco, Version: "v1", Kind: "ContainerRuntimeConfig", Plural: "containerruntimeconfigs", Short: []string{"ctrcfg"}},
	{Level: "0000_80_machine-config", Group: mco, Version: "v1", Kind: "ControllerConfig", Plural: "controllerconfigs"},
	{Level: "0000_80_machine-config", Group: mco, Version: "v1", Kind: "KubeletConfig", Plural: "kubeletconfigs"},
	{Level: "0000_80_machine-config", Group: mco, Version: "v1", Kind: "MachineConfig", Plural: "machineconfigs", Short: []string{"mc"}, NoStatus: true},
	{Level: "0000_80_machine-config", Group: mco, Version: "v1", Kind: "MachineConfigPool", Plural: "machineconfigpools", Short: []string{"mcp"}, Columns: []Column{
		{"Config", "string", ".status.configuration.name"},
		condition("Updated"), condition("Updating"), condition("Degraded"),
		{"MachineCount", "number", ".status.machineCount"},
		{"ReadyMachineCount", "number", ".status.readyMachineCount"},
	}},
	{Level: "0000_80_machine-config", Group: operator, Version: "v1", Kind: "MachineConfiguration", Plural: "machineconfigurations"},
}
