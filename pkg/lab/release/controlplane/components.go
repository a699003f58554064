package controlplane

import (
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// Images that an operator hands to its static pods.
type Images struct {
	Hyperkube string
	Operator  string
}

// Versions that an operator reports.
type Versions struct {
	Release string
	Operand string
}

// APIServer describes kube-apiserver's static pods.
func APIServer(i Images, v Versions) staticpod.Component {
	return staticpod.Component{
		Name: "kube-apiserver", Pod: "kube-apiserver", PodConfigMap: "kube-apiserver-pod",
		Namespace: apiNamespace, OperatorNamespace: apiOperatorNamespace, Deployment: "kube-apiserver-operator",
		Resource: kube.KubeAPIServers, Kind: "KubeAPIServer",
		ConfigMaps: apiConfigMaps, Secrets: apiSecrets, CertDir: "kube-apiserver-certs",
		InstallerCommand: []string{"/usr/bin/cluster-kube-apiserver-operator", "installer"}, InstallerImage: i.Operator,
		Version: v.Release, OperandVersion: v.Operand,
	}
}

// ControllerManager describes kube-controller-manager's static pods.
func ControllerManager(i Images, v Versions) staticpod.Component {
	return staticpod.Component{
		Name: "kube-controller-manager", Pod: "kube-controller-manager", PodConfigMap: "kube-controller-manager-pod",
		Namespace: kcmNamespace, OperatorNamespace: kcmOperatorNamespace, Deployment: "kube-controller-manager-operator",
		Resource: kube.KubeControllers, Kind: "KubeControllerManager",
		ConfigMaps: kcmConfigMaps, Secrets: kcmSecrets, CertDir: "kube-controller-manager-certs",
		InstallerCommand: []string{"/usr/bin/cluster-kube-controller-manager-operator", "installer"}, InstallerImage: i.Operator,
		Version: v.Release, OperandVersion: v.Operand,
	}
}

// Scheduler describes kube-scheduler's static pods.
func Scheduler(i Images, v Versions) staticpod.Component {
	return staticpod.Component{
		Name: "kube-scheduler", Pod: "openshift-kube-scheduler", PodConfigMap: "kube-scheduler-pod",
		Namespace: ksNamespace, OperatorNamespace: ksOperatorNamespace, Deployment: "openshift-kube-scheduler-operator",
		Resource: kube.KubeSchedulers, Kind: "KubeScheduler",
		ConfigMaps: ksConfigMaps, Secrets: ksSecrets, CertDir: "kube-scheduler-certs",
		InstallerCommand: []string{"/usr/bin/cluster-kube-scheduler-operator", "installer"}, InstallerImage: i.Operator,
		Version: v.Release, OperandVersion: v.Operand,
	}
}
