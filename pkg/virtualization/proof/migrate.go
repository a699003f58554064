package proof

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	migrationName = "proof-migration"
	migrateTime   = 5 * time.Minute
	decideTime    = 30 * time.Second // that virt-handler may take to say whether a VM can be migrated
)

// migrate moves the running VM to another node, if that is possible at all.
func (r *run) migrate(ctx context.Context) outcome {
	if len(r.facts.nodes) < 2 {
		return skipped("one node only takes VMs: %s", and(names(r.facts.nodes)))
	}
	vmi, able, f := r.migratable(ctx)
	if f != nil {
		return under(ctx, f, "whether the VM can be migrated is not known")
	}
	if able.Status != "True" {
		return skipped("the VM cannot be migrated: %s", able)
	}
	source := vmi.Status.NodeName
	object := func() any {
		return &virtv1.VirtualMachineInstanceMigration{
			TypeMeta:   metav1.TypeMeta{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachineInstanceMigration"},
			ObjectMeta: r.meta(migrationName), Spec: virtv1.VirtualMachineInstanceMigrationSpec{VMIName: vmName},
		}
	}
	if f := r.create(ctx, migrations, migrationName, object); f != nil {
		return under(ctx, f, "the migration from node %s was refused", source)
	}
	target := ""
	f = r.until(ctx, migrateTime, Migration, func(ctx context.Context) (got seen, err error) {
		got, target, err = r.lookMigration(ctx, source)
		return got, err
	})
	if f != nil {
		return under(ctx, r.explain(ctx, f, vmName, migrationName, "virt-launcher-"+vmName), "the VM was not migrated from "+
			"node %s", source)
	}
	return passed("migrated from node %s to node %s", source, target)
}

// migratable waits until virt-handler has said whether the VM can be migrated.
func (r *run) migratable(ctx context.Context) (vmi *virtv1.VirtualMachineInstance, able condition, f *fault) {
	f = r.until(ctx, decideTime, Migration, func(ctx context.Context) (seen, error) {
		var err error
		if vmi, err = r.instance(ctx); err != nil {
			return seen{}, err
		}
		able = conditionOf(conditions(vmi.Status.Conditions), string(virtv1.VirtualMachineInstanceIsMigratable))
		if able.Status == "Unknown" {
			return seen{missing: "VirtualMachineInstance " + r.namespace + "/" + vmName + ": " + able.String()}, nil
		}
		return seen{}, nil
	})
	return vmi, able, f
}

// lookMigration is a migration that has not arrived.
func (r *run) lookMigration(ctx context.Context, source string) (got seen, target string, err error) {
	var m virtv1.VirtualMachineInstanceMigration
	if err := r.API.Get(ctx, migrations.Ref(r.namespace, migrationName), &m); err != nil {
		return seen{}, "", err
	}
	vmi, err := r.instance(ctx)
	if err != nil {
		return seen{}, "", err
	}
	text := migrationText(m)
	switch m.Status.Phase {
	case virtv1.MigrationFailed:
		cause := text
		for _, s := range []*virtv1.VirtualMachineInstanceMigrationState{m.Status.MigrationState, vmi.Status.MigrationState} {
			if s != nil && s.FailureReason != "" && !strings.Contains(cause, s.FailureReason) {
				cause += ": " + kube.OneLine(s.FailureReason)
			}
		}
		return seen{text, &trouble{fault: fault{"the migration failed", cause, logs(r.namespace)}}}, "", nil
	case virtv1.MigrationSucceeded:
		if target = vmi.Status.NodeName; target != source && vmi.Status.Phase == virtv1.Running {
			return seen{}, target, nil
		}
		return seen{missing: fmt.Sprintf("%s, but VirtualMachineInstance %s/%s is %s on node %s", text, r.namespace, vmName,
			vmi.Status.Phase, target)}, "", nil
	}
	pods, err := r.pods(ctx, r.namespace, virtv1.MigrationJobLabel+"="+string(m.UID))
	if err != nil {
		return seen{}, "", err
	}
	for _, p := range pods {
		if t := podTrouble(p); t != nil {
			t.cause = "the pod on the target: " + t.cause
			return seen{text + "; " + t.cause, t}, "", nil
		}
	}
	return seen{missing: text}, "", nil
}

func migrationText(m virtv1.VirtualMachineInstanceMigration) string {
	since := m.CreationTimestamp.Time
	for _, t := range m.Status.PhaseTransitionTimestamps {
		if t.Phase == m.Status.Phase {
			since = t.PhaseTransitionTimestamp.Time
		}
	}
	phase := string(m.Status.Phase)
	if phase == "" {
		phase = "not set"
	}
	text := fmt.Sprintf("VirtualMachineInstanceMigration %s/%s: phase %s%s", m.Namespace, m.Name, phase, kube.Since(since))
	for _, c := range conditions(m.Status.Conditions) {
		text += "; " + c.String()
	}
	return text
}
