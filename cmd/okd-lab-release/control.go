package main

import (
	"github.com/okd-install/okd-install/pkg/lab/release/clusterbootstrap"
	"github.com/okd-install/okd-install/pkg/lab/release/controlplane"
	"github.com/okd-install/okd-install/pkg/lab/release/etcd"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

// controlCommands are the operators of etcd and of the control plane's static
// pods, and what starts the temporary control plane.
func controlCommands() []multicall.Command {
	return []multicall.Command{
		{Name: "cluster-bootstrap", Run: clusterbootstrap.Main},
		{Name: "cluster-etcd-operator", Run: etcd.Main},
		{Name: "discover-etcd-initial-cluster", Run: etcd.Discover},
		{Name: "cluster-kube-apiserver-operator", Run: controlplane.APIServerMain},
		{Name: "cluster-kube-controller-manager-operator", Run: controlplane.ControllerManagerMain},
		{Name: "cluster-kube-scheduler-operator", Run: controlplane.SchedulerMain},
	}
}
