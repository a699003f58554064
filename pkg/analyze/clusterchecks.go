package analyze

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// approvalTime is how long a request may wait for its approval: approvers look every few seconds.
const approvalTime = time.Minute

func signingRequests(s *snapshot) {
	var who []string
	var oldest time.Time
	count := 0
	for _, r := range s.requests {
		created := r.Metadata.CreationTimestamp
		if !r.pending() || !s.taken.IsZero() && s.taken.Sub(created) < approvalTime {
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
		return
	}
	text := fmt.Sprintf("%d certificate requests of kubelets wait for approval", count)
	if count == 1 {
		text = "a certificate request of a kubelet waits for approval"
	}
	s.addObject(Error, theCluster, text+s.ago(oldest)+": "+strings.Join(who, ", "),
		"if these machines are yours: oc get csr, then oc adm certificate approve NAME, or wait-for "+
			"install-complete --approve-csrs; those of machines that this installer made are approved while it runs", oldest)
}

// nodesJoined checks for a control plane once bootkube waits for it.
func nodesJoined(s *snapshot) {
	sv := s.services["bootkube"]
	if !s.hasAPI || slices.ContainsFunc(s.nodes, object.isMaster) || s.bootstrapped() || sv == nil || !waits(sv) {
		return
	}
	s.addObject(Error, theCluster, "no control-plane node has joined",
		"look at the masters' consoles: they must boot, reach https://api-int.<name>.<domain>:22623 for "+
			"their config, and pull the release's images", time.Time{})
}

func nodesReady(s *snapshot) {
	for _, n := range s.nodes {
		c := n.condition("Ready")
		if c.is("True") {
			continue
		}
		text := "its kubelet has not reported"
		if c.Status != "" {
			text = c.why()
		}
		s.addObject(Error, "node "+n.Metadata.Name, "not ready: "+text,
			hint(text, "look at journals/kubelet.log of that node, in the log bundle or by SSH"), c.LastTransitionTime)
	}
}

func etcdMembers(s *snapshot) {
	if c := s.etcd.condition("EtcdMembersDegraded"); c.is("True") {
		s.addObject(Error, "etcd", "members are not healthy: "+c.why(),
			hint(c.why(), "look at the pods in openshift-etcd: oc -n openshift-etcd get pods"), c.LastTransitionTime)
	}
	c := s.etcd.condition("EtcdBootstrapMemberRemoved")
	if p := s.services["progress"]; c.is("False") && p != nil && p.Succeeded {
		s.addObject(Error, "etcd", "the bootstrap host's member has not been removed: "+c.why(),
			"wait; if nothing changes look at the etcd operator: oc -n openshift-etcd-operator logs "+
				"deployment/etcd-operator. The bootstrap host must stay until then", c.LastTransitionTime)
	}
}

// summary matches the beginning of a message in which the version operator only sums up what operators report.
var summary = regexp.MustCompile(
	`(?i)^(multiple errors|cluster operators?|working towards|some cluster operators)\b`)

func versionState(s *snapshot) {
	c := s.version.Status.Conditions.get("Failing")
	if !c.is("True") {
		return
	}
	severity := s.clusterSeverity()
	if severity == Error && len(s.operators) > 0 && summary.MatchString(c.why()) {
		severity = Warning
	}
	s.addObject(severity, "cluster version", "failing: "+c.why(), hint(c.why(), "oc describe clusterversion version"),
		c.LastTransitionTime)
}

// clusterSeverity is that of what goes wrong in the cluster: before the masters have taken over it is a consequence.
// What only the bootstrap host's own API says is not about the cluster that they run.
func (s *snapshot) clusterSeverity() Severity {
	if s.bootstrapped() && !s.secondHand() {
		return Error
	}
	return Info
}

// foundations are the operators that others need, most needed first.
var foundations = []string{
	"network", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "machine-config",
	"dns", "openshift-apiserver", "service-ca", "ingress", "authentication",
}

func operatorsState(s *snapshot) {
	rank := func(o object) int {
		if i := slices.Index(foundations, o.Metadata.Name); i >= 0 {
			return i
		}
		return len(foundations)
	}
	operators := slices.Clone(s.operators)
	slices.SortStableFunc(operators, func(a, b object) int { return cmp.Compare(rank(a), rank(b)) })
	for _, o := range operators {
		text, since := "", time.Time{}
		switch available, degraded := o.condition("Available"), o.condition("Degraded"); {
		case available.Status == "":
			text = "has not reported yet"
		case !available.is("True") && degraded.is("True"):
			text, since = "not available: "+degraded.why(), available.LastTransitionTime
		case !available.is("True"):
			text, since = "not available: "+available.why(), available.LastTransitionTime
		case degraded.is("True"):
			text, since = "degraded: "+degraded.why(), degraded.LastTransitionTime
		default:
			continue
		}
		next := hint(text, "oc describe clusteroperator "+o.Metadata.Name)
		s.addObject(s.clusterSeverity(), "operator "+o.Metadata.Name, text, next, since)
	}
}

// stuck are reasons for which a container waits and will go on waiting.
var stuck = []string{
	"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CrashLoopBackOff",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

// maxPods bounds the pods that are named: one cause breaks many.
const maxPods = 5

// podsStuck finds pods of the platform that do not start. One finding stands for all that wait for the same reason.
func podsStuck(s *snapshot) {
	type reason struct{ text, next string }
	var reasons []reason
	pods := map[reason][]string{}
	for _, p := range s.pods {
		if !strings.HasPrefix(p.Metadata.Namespace, "openshift") && !strings.HasPrefix(p.Metadata.Namespace, "kube-") {
			continue
		}
		text, next := p.trouble()
		if text == "" {
			continue
		}
		i := slices.IndexFunc(reasons, func(r reason) bool { return r.text == text })
		if i < 0 {
			i = len(reasons)
			reasons = append(reasons, reason{text, next})
		}
		pods[reasons[i]] = append(pods[reasons[i]], p.name())
	}
	for _, r := range reasons[:min(len(reasons), 2*maxPods)] {
		names := pods[r]
		text := strings.Join(names[:min(len(names), maxPods)], ", ")
		if more := len(names) - maxPods; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		s.addObject(s.podSeverity(r.text), "pods", text+": "+r.text, r.next, time.Time{})
	}
}

// podSeverity: pods come and go while masters take over, but an image that cannot be pulled does not get better.
func (s *snapshot) podSeverity(text string) Severity {
	switch {
	case s.complete():
		return Info
	case strings.HasPrefix(text, "ImagePull"), strings.HasPrefix(text, "ErrImagePull"),
		strings.HasPrefix(text, "InvalidImage"):
		return Error
	}
	return Warning
}

// trouble is why a pod does not start, empty if it does.
func (p pod) trouble() (text, next string) {
	for _, c := range slices.Concat(p.Status.Init, p.Status.Containers) {
		w := c.State.Waiting
		if !slices.Contains(stuck, w.Reason) {
			continue
		}
		if w.Reason == "CrashLoopBackOff" {
			return fmt.Sprintf("container %s keeps crashing, last with code %d %s", c.Name,
					c.Last.Terminated.ExitCode, c.Last.Terminated.Reason),
				fmt.Sprintf("oc -n %s logs %s -c %s --previous", p.Metadata.Namespace, p.Metadata.Name, c.Name)
		}
		text = w.Reason + " " + c.Image
		if w.Message != "" {
			text += ": " + w.Message
		}
		return text, hint(w.Message, fmt.Sprintf("oc -n %s describe pod %s", p.Metadata.Namespace, p.Metadata.Name))
	}
	if c := p.Status.Conditions.get("PodScheduled"); p.Status.Phase == "Pending" && c.is("False") {
		return "cannot be scheduled: " + c.why(), "give the cluster nodes that fit: oc get nodes; oc describe node NAME"
	}
	return "", ""
}
