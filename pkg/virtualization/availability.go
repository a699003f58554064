package virtualization

import (
	"cmp"
	"context"

	"github.com/okd-install/okd-install/pkg/kube"
)

// healthCheckEnabled wants nodes to be watched.
func healthCheckEnabled(_ context.Context, _ *world, o object) (string, error) {
	if c := o.condition("Disabled"); c.is("True") {
		return "", stuckFor(retried, afterwards, "it is disabled: %s", c)
	}
	switch phase := o.text("status", "phase"); phase {
	case "Enabled", "Remediating", "Paused":
		return "", nil
	default:
		return "its phase is " + cmp.Or(phase, "not reported yet"), nil
	}
}

// backupReady wants the backup's settings to be valid, and the place for backups to answer.
func backupReady(ctx context.Context, w *world, o object) (string, error) {
	c := o.condition("Reconciled")
	if !c.is("True") {
		if c.Reason == "Error" {
			return "", stuckFor(retried, "correct backup in virtualization.yaml", "%s", c)
		}
		return c.String(), nil
	}
	list, err := w.all(ctx, "velero.io/v1", "BackupStorageLocation", o.namespace(), "")
	if err != nil {
		return "", err
	}
	for _, l := range list {
		switch phase := l.text("status", "phase"); phase {
		case "Available":
		case "Unavailable":
			return "", stuckFor(retried, "correct the S3 location and its login in backup of virtualization.yaml",
				"%s is not available: %s", l, kube.OneLine(cmp.Or(l.text("status", "message"), "without a reason")))
		default:
			return l.String() + " has not been checked yet", nil
		}
	}
	return "", nil
}

// ansibleDone wants a controller that runs Ansible to have finished.
func ansibleDone(_ context.Context, _ *world, o object) (string, error) {
	if c := o.condition("Failure"); c.is("True") {
		return "", stuckFor(patience, afterwards, "%s", c)
	}
	running := o.condition("Running")
	if o.condition("Successful").is("True") || running.is("True") && running.Reason == "Successful" {
		return "", nil
	}
	return running.String(), nil
}

// providerReady wants Forklift to reach a platform and to know its VMs.
func providerReady(_ context.Context, _ *world, o object) (string, error) {
	for _, c := range o.list("status", "conditions") {
		if c.text("category") == "Critical" && c.text("status") == "True" {
			return "", stuckFor(retried, "correct the provider and its login in migration of virtualization.yaml",
				"%s", o.condition(c.text("type")))
		}
	}
	if c := o.condition("Ready"); !c.is("True") {
		return c.String(), nil
	}
	return "", nil
}
