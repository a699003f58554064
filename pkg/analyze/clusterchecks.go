package analyze

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const clusterPlace = "cluster"

// patience is how long a request may wait for its approval: approvers look
// every few seconds.
const patience = time.Minute

func signingRequests(s *scene) []Finding {
	var who []string
	var oldest time.Time
	count := 0
	for _, r := range s.requests {
		created := r.Metadata.CreationTimestamp
		if !r.pending() || !s.taken.IsZero() && s.taken.Sub(created) < patience {
			continue
		}
		count++
		if oldest.IsZero() || created.Before(oldest) {
			oldest = created
		}
		if name := strings.TrimPrefix(r.Spec.Username, "system:node:"); !slices.Contains(who, name) && len(who) < 5 {
			who = append(who, name)
		}
	}
	if count == 0 {
		return nil
	}
	text := fmt.Sprintf("%d certificate requests of kubelets wait for approval", count)
	if count == 1 {
		text = "a certificate request of a kubelet waits for approval"
	}
	return []Finding{{Severity: Error, Where: clusterPlace, Since: oldest,
		Text: text + s.sinceThen(oldest) + ": " + strings.Join(who, ", "),
		Next: "if these machines are yours: oc get csr, then oc adm certificate approve NAME, or wait-for " +
			"install-complete --approve-csrs; those of machines that this installer made are approved while it runs"}}
}

// nodesJoined looks whether there is a control plane, once somebody waits for it.
func nodesJoined(s *scene) []Finding {
	sv := s.services["bootkube"]
	if !s.hasAPI || s.masters() > 0 || s.bootstrapped() || sv == nil || !s.waits(sv) {
		return nil
	}
	return []Finding{{Severity: Error, Where: clusterPlace, Text: "no control-plane node has joined",
		Next: "look at the masters' consoles: they must boot, reach https://api-int.<name>.<domain>:22623 for " +
			"their config, and pull the release's images"}}
}

func nodesReady(s *scene) []Finding {
	var out []Finding
	for _, n := range s.nodes {
		c := n.condition("Ready")
		if c.is("True") {
			continue
		}
		text := "its kubelet has not reported"
		if c.Status != "" {
			text = c.why()
		}
		out = append(out, Finding{Severity: Error, Where: "node " + n.Metadata.Name, Text: "not ready: " + text,
			Since: c.LastTransitionTime,
			Next:  hint(text, "look at journals/kubelet.log of that node, in the log bundle or by SSH")})
	}
	return out
}

func etcdMembers(s *scene) []Finding {
	var out []Finding
	if c := s.etcd.condition("EtcdMembersDegraded"); c.is("True") {
		out = append(out, Finding{Severity: Error, Where: "etcd", Text: "members are not healthy: " + c.why(),
			Since: c.LastTransitionTime,
			Next:  hint(c.why(), "look at the pods in openshift-etcd: oc -n openshift-etcd get pods")})
	}
	c := s.etcd.condition("EtcdBootstrapMemberRemoved")
	if p := s.services["progress"]; c.is("False") && p != nil && p.succeeded {
		out = append(out, Finding{Severity: Error, Where: "etcd",
			Text: "the bootstrap host's member has not been removed: " + c.why(), Since: c.LastTransitionTime,
			Next: "wait; if nothing changes look at the etcd operator: oc -n openshift-etcd-operator logs " +
				"deployment/etcd-operator. The bootstrap host must stay until then"})
	}
	return out
}

// ofOperators is how the version operator begins a message that only sums up
// what operators say of themselves.
var ofOperators = regexp.MustCompile(
	`(?i)^(multiple errors|cluster operators?|working towards|some cluster operators)\b`)

func versionState(s *scene) []Finding {
	c := s.version.Status.Conditions.get("Failing")
	if !c.is("True") {
		return nil
	}
	f := Finding{Severity: s.clusterSeverity(), Where: "cluster version", Text: "failing: " + c.why(),
		Since: c.LastTransitionTime,
		Next:  hint(c.why(), "oc describe clusterversion version")}
	if f.Severity == Error && len(s.operators) > 0 && ofOperators.MatchString(c.why()) {
		f.Severity = Warning
	}
	return []Finding{f}
}

// clusterSeverity is that of what goes wrong in the cluster: before the masters
// have taken over it is a consequence. What only the bootstrap host's own API
// says is not about the cluster that they run.
func (s *scene) clusterSeverity() Severity {
	if s.bootstrapped() && !s.hearsay() {
		return Error
	}
	return Info
}

// foundations are the operators that others need, most needed first.
var foundations = []string{
	"network", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "machine-config",
	"dns", "openshift-apiserver", "service-ca", "ingress", "authentication",
}

func operatorsState(s *scene) []Finding {
	var out []Finding
	rank := func(f Finding) int {
		if i := slices.Index(foundations, strings.TrimPrefix(f.Where, "operator ")); i >= 0 {
			return i
		}
		return len(foundations)
	}
	for _, o := range s.operators {
		f := Finding{Severity: s.clusterSeverity(), Where: "operator " + o.Metadata.Name}
		available, degraded := o.condition("Available"), o.condition("Degraded")
		switch {
		case available.Status == "":
			f.Text = "has not reported yet"
		case !available.is("True"):
			f.Text, f.Since = "not available: "+available.why(), available.LastTransitionTime
			if degraded.is("True") {
				f.Text = "not available: " + degraded.why()
			}
		case degraded.is("True"):
			f.Text, f.Since = "degraded: "+degraded.why(), degraded.LastTransitionTime
		default:
			continue
		}
		f.Next = hint(f.Text, "oc describe clusteroperator "+o.Metadata.Name)
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return rank(a) - rank(b) })
	return out
}
