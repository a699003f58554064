package baremetal

import (
	"encoding/json"
	"fmt"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
	clusterLabel = "machine.openshift.io/cluster-api-cluster"
	roleLabel    = "machine.openshift.io/cluster-api-machine-role"
	typeLabel    = "machine.openshift.io/cluster-api-machine-type"
	setLabel     = "machine.openshift.io/cluster-api-machineset"
)

// poolMachines are the machines of a pool that the installer makes one by one.
func poolMachines(infraID string, pool *types.MachinePool, userData string) []machinev1beta1.Machine {
	if pool == nil {
		return nil
	}
	machines := make([]machinev1beta1.Machine, pool.Count())
	for i := range machines {
		machines[i] = machinev1beta1.Machine{
			TypeMeta: objects.Type(machinev1beta1.GroupVersion.String(), "Machine"),
			ObjectMeta: metav1.ObjectMeta{
				Namespace: objects.MachineAPI,
				Name:      fmt.Sprintf("%s-%s-%d", infraID, pool.Name, i),
				Labels:    labels(infraID, pool.Name),
			},
			Spec: machinev1beta1.MachineSpec{ProviderSpec: providerSpec(userData)},
		}
	}
	return machines
}

// machineSets are those of the workers, one per pool. Their machines are workers, which
// they adopt. They want no more than these: another machine would take the next host
// that the cluster gets, whoever adds it for whatever purpose.
func machineSets(c *types.InstallConfig, infraID string, workers []machinev1beta1.Machine) []machinev1beta1.MachineSet {
	sets := make([]machinev1beta1.MachineSet, len(c.Compute))
	for i := range c.Compute {
		pool := &c.Compute[i]
		name := setName(infraID, pool)
		replicas := int32(0)
		for _, m := range workers {
			if m.Labels[setLabel] == name {
				replicas++
			}
		}
		sets[i] = machinev1beta1.MachineSet{
			TypeMeta:   objects.Type(machinev1beta1.GroupVersion.String(), "MachineSet"),
			ObjectMeta: metav1.ObjectMeta{Namespace: objects.MachineAPI, Name: name, Labels: labels(infraID, types.WorkerPool)},
			Spec: machinev1beta1.MachineSetSpec{
				Replicas: &replicas,
				Selector: metav1.LabelSelector{MatchLabels: map[string]string{clusterLabel: infraID, setLabel: name}},
				Template: machinev1beta1.MachineTemplateSpec{
					ObjectMeta: machinev1beta1.ObjectMeta{Labels: setLabels(infraID, pool)},
					Spec:       machinev1beta1.MachineSpec{ProviderSpec: providerSpec(userData(c, types.WorkerPool))},
				},
			},
		}
	}
	return sets
}

// workerMachines are the machines of the hosts that are installed as workers. A
// MachineSet's own machines take only hosts that the cluster provisions itself, so
// that without these it would wait for hosts for ever.
func workerMachines(c *types.InstallConfig, infraID string, hosts []placed) []machinev1beta1.Machine {
	var out []machinev1beta1.Machine
	for _, h := range hosts {
		if h.role == types.WorkerPool && h.machine != noMachine {
			out = append(out, workerMachine(c, infraID, h.machine))
		}
	}
	return out
}

// workerMachine is the nth of all pools.
func workerMachine(c *types.InstallConfig, infraID string, n int) machinev1beta1.Machine {
	pool := &c.Compute[0]
	for i := range c.Compute {
		if pool = &c.Compute[i]; n < pool.Count() {
			break
		}
		n -= pool.Count()
	}
	return machinev1beta1.Machine{
		TypeMeta: objects.Type(machinev1beta1.GroupVersion.String(), "Machine"),
		ObjectMeta: metav1.ObjectMeta{
			Namespace: objects.MachineAPI,
			Name:      fmt.Sprintf("%s-%d", setName(infraID, pool), n),
			Labels:    setLabels(infraID, pool),
		},
		Spec: machinev1beta1.MachineSpec{ProviderSpec: providerSpec(userData(c, types.WorkerPool))},
	}
}

func setName(infraID string, pool *types.MachinePool) string {
	return fmt.Sprintf("%s-%s-0", infraID, pool.Name)
}

// setLabels are those of a MachineSet's machines.
func setLabels(infraID string, pool *types.MachinePool) map[string]string {
	out := labels(infraID, types.WorkerPool)
	out[setLabel] = setName(infraID, pool)
	return out
}

func labels(infraID, role string) map[string]string {
	return map[string]string{clusterLabel: infraID, roleLabel: role, typeLabel: role}
}

// providerSpec is how a host becomes a machine. Its Go type is in a module that
// is not worth having for two fields.
func providerSpec(userData string) machinev1beta1.ProviderSpec {
	raw, err := json.Marshal(objects.Object{
		"apiVersion":   "baremetal.cluster.k8s.io/v1alpha1",
		"kind":         "BareMetalMachineProviderSpec",
		"customDeploy": objects.Object{"method": customDeploy},
		"userData":     objects.Object{"name": userData},
	})
	if err != nil {
		panic(err) // text alone cannot fail
	}
	return machinev1beta1.ProviderSpec{Value: &runtime.RawExtension{Raw: raw}}
}
