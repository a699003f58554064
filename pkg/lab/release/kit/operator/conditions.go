// Package operator is what the operators of the lab's release have in common: how
// they report, and how one of several leads.
package operator

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Condition is one statement about an operator.
type Condition struct {
	Type    string
	Status  bool
	Reason  string // CamelCase
	Message string
}

// Is is a condition whose reason depends on its status.
func Is(kind string, status bool, yes, no, message string) Condition {
	return Condition{Type: kind, Status: status, Reason: Either(status, yes, no), Message: message}
}

// Either is one of two texts for something that holds or does not.
func Either(holds bool, yes, no string) string {
	if holds {
		return yes
	}
	return no
}

// AsExpected is the reason of a condition that is as it should be.
const AsExpected = "AsExpected"

// upgradeable is the same for all operators.
var upgradeable = Condition{Type: string(configv1.OperatorUpgradeable), Status: true, Reason: AsExpected}

// SetConditions puts conditions into a list. Only a change of status moves its time.
func SetConditions(list *[]configv1.ClusterOperatorStatusCondition, now time.Time, conditions ...Condition) {
	for _, c := range conditions {
		n := configv1.ClusterOperatorStatusCondition{
			Type: configv1.ClusterStatusConditionType(c.Type), Status: configv1.ConditionFalse,
			Reason: c.Reason, Message: c.Message,
			// A finer time would differ from what is read back and cause a write each round.
			LastTransitionTime: metav1.NewTime(now.Truncate(time.Second)),
		}
		if c.Status {
			n.Status = configv1.ConditionTrue
		}
		same := func(have configv1.ClusterOperatorStatusCondition) bool { return have.Type == n.Type }
		i := slices.IndexFunc(*list, same)
		if i < 0 {
			*list = append(*list, n)
			continue
		}
		if have := (*list)[i]; have.Status == n.Status {
			n.LastTransitionTime = have.LastTransitionTime
		}
		(*list)[i] = n
	}
}

// Status is what an operator reports in its ClusterOperator.
type Status struct {
	Name       string
	Conditions []Condition // Available, Progressing and Degraded
	Versions   []configv1.OperandVersion
	Related    []configv1.ObjectReference
}

// Report writes the ClusterOperator's status if it differs, and creates the object
// if the version operator has not done so yet. Without versions the present ones
// stay: they are reported once they work. After a conflict the next report counts.
func Report(ctx context.Context, c *api.Client, s Status, now time.Time) error {
	operators := kube.ClusterOperators
	ref := operators.Ref("", s.Name)
	var co configv1.ClusterOperator
	err := c.Get(ctx, ref, &co)
	if kube.NotFound(err) {
		co.TypeMeta = metav1.TypeMeta{APIVersion: configv1.GroupVersion.String(), Kind: "ClusterOperator"}
		co.Name = s.Name
		err = c.Create(ctx, operators, "", &co)
	}
	if err != nil {
		return fmt.Errorf("read ClusterOperator %s: %w", s.Name, err)
	}
	before := co.Status.DeepCopy()
	SetConditions(&co.Status.Conditions, now, append(s.Conditions, upgradeable)...)
	if len(s.Versions) > 0 {
		co.Status.Versions = s.Versions
	}
	co.Status.RelatedObjects = s.Related
	if equality.Semantic.DeepEqual(before, &co.Status) {
		return nil
	}
	if err := c.Update(ctx, ref, "status", &co); err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("write status of ClusterOperator %s: %w", s.Name, err)
	}
	return nil
}

// Record makes an event in the namespace of the object that it is about, unless
// there is one of that name.
func Record(ctx context.Context, c *api.Client, now time.Time, e corev1.Event) error {
	e.Namespace, e.Count = e.InvolvedObject.Namespace, 1
	e.FirstTimestamp, e.LastTimestamp = metav1.NewTime(now), metav1.NewTime(now)
	return c.Make(ctx, kube.Events, e.Namespace, &e)
}

// Lease is what one of several processes holds while it works.
type Lease struct {
	Namespace, Name string
	Duration        time.Duration // after which others may take it
	Renew           time.Duration // within which it has to be renewed
}

// Lead runs work while this process holds the lease. Losing it is an error: the
// kubelet then starts the process again.
func Lead(ctx context.Context, c *api.Client, log *slog.Logger, l Lease, work func(context.Context)) error {
	client, err := coordinationv1.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("make lease client: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read host name: %w", err)
	}
	identity := fmt.Sprintf("%s_%d_%d", host, os.Getpid(), time.Now().UnixNano())
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name},
			Client:     client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		// The next one takes over within a second, not after the lease's duration.
		ReleaseOnCancel: true,
		LeaseDuration:   l.Duration,
		RenewDeadline:   l.Renew,
		RetryPeriod:     2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: work,
			OnStoppedLeading: func() { log.Info("stopped leading", "lease", l.Name) },
			OnNewLeader: func(id string) {
				if id != identity {
					log.Info("another process leads; waiting for my turn", "leader", id)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("lost the lease %s/%s", l.Namespace, l.Name)
}
