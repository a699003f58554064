package etcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// operand is etcd as the static pod operator sees it.
type operand struct {
	client *api.Client
	clock  clock.Clock
	images staticpod.Images
	// event records what was done.
	event func(ctx context.Context, kind, reason, message string)

	replicas int
	delayed  *bool // nil until it is known
	dial     *dialer
	identity []byte // what dial was made from
	complete bool
}

// prepare makes certificates and at most one change of membership, and publishes
// who is a member.
func (o *operand) prepare(ctx context.Context, nodes []corev1.Node) (staticpod.Report, error) {
	r := staticpod.Report{Busy: true}
	if err := ensureCerts(ctx, o.client, nodes, o.clock.Now()); err != nil {
		return r, err
	}
	if err := o.connect(ctx); err != nil {
		return r, err
	}
	var endpoints corev1.ConfigMap
	if err := o.client.Get(ctx, kube.ConfigMaps.Ref(namespace, Endpoints), &endpoints); err != nil {
		return r, fmt.Errorf("read etcd endpoints: %w", err)
	}
	s, err := o.observe(ctx, &endpoints, nodes)
	if err != nil {
		r.Unavailable = "no member answers"
		return r, err
	}
	a := next(s)
	if err := o.act(ctx, s, a); err != nil {
		r.Degraded = err.Error()
		o.event(ctx, corev1.EventTypeWarning, "MemberChangeFailed", err.Error())
	}
	if a.Do != nothing {
		// What is published must be the truth after the change.
		if s, err = o.observe(ctx, &endpoints, nodes); err != nil {
			return r, err
		}
	}
	if err := o.publish(ctx, &endpoints, s); err != nil {
		return r, err
	}
	judge(&r, s, a)
	r.Pod, err = masterPod(o.images.Operand, o.images.Operator)
	return r, err
}

// connect makes the dialer from the client secret, and again when that changed.
func (o *operand) connect(ctx context.Context) error {
	var s corev1.Secret
	var ca corev1.ConfigMap
	if err := o.client.Get(ctx, kube.Secrets.Ref(namespace, clientCert), &s); err != nil {
		return fmt.Errorf("read etcd client certificate: %w", err)
	}
	if err := o.client.Get(ctx, kube.ConfigMaps.Ref(namespace, bundle), &ca); err != nil {
		return fmt.Errorf("read etcd CA bundle: %w", err)
	}
	identity := bytes.Join([][]byte{s.Data[corev1.TLSCertKey], []byte(ca.Data[bundleKey])}, nil)
	if bytes.Equal(identity, o.identity) {
		return nil
	}
	d, err := newDialer([]byte(ca.Data[bundleKey]), s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return err
	}
	if o.dial != nil {
		o.dial.close()
	}
	o.dial, o.identity = d, identity
	return nil
}

func (o *operand) observe(ctx context.Context, endpoints *corev1.ConfigMap, nodes []corev1.Node) (state, error) {
	var s state
	var err error
	urls := memberURLs(endpoints)
	if s.Members, err = o.dial.members(ctx, urls); err != nil {
		return s, err
	}
	s.Leader = o.dial.probe(ctx, s.Members)
	if s.Replicas, err = o.wanted(ctx); err != nil {
		return s, err
	}
	if s.Delayed, err = o.delays(ctx); err != nil {
		return s, err
	}
	if s.BootstrapComplete, err = o.bootstrapComplete(ctx); err != nil {
		return s, err
	}
	for i := range nodes {
		c := candidate{Node: nodes[i].Name, IP: api.NodeAddress(&nodes[i])}
		if c.IP == "" {
			continue
		}
		if !contains(s.Members, c.IP) {
			if c.Waiting, err = o.podWaits(ctx, c.Node); err != nil {
				return s, err
			}
		}
		s.Nodes = append(s.Nodes, c)
	}
	return s, nil
}

// delays reports whether the bootstrap host becomes a node when it has handed over.
func (o *operand) delays(ctx context.Context) (bool, error) {
	if o.delayed != nil {
		return *o.delayed, nil
	}
	var ns corev1.Namespace
	if err := o.client.Get(ctx, kube.Ref{Kind: api.Namespaces, Name: namespace}, &ns); err != nil {
		return false, fmt.Errorf("read namespace %s: %w", namespace, err)
	}
	delayed := slices.ContainsFunc(delayedAnnotations, func(name string) bool {
		_, has := ns.Annotations[name]
		return has
	})
	o.delayed = &delayed
	return delayed, nil
}

// wanted is the number of members, which does not change.
func (o *operand) wanted(ctx context.Context) (int, error) {
	if o.replicas > 0 {
		return o.replicas, nil
	}
	var cm corev1.ConfigMap
	err := o.client.Get(ctx, kube.ConfigMaps.Ref("kube-system", "cluster-config-v1"), &cm)
	if err == nil {
		o.replicas, err = clusterconfig.EtcdMembers(cm.Data)
	}
	if err != nil {
		return 0, fmt.Errorf("read cluster config: %w", err)
	}
	return o.replicas, nil
}

func (o *operand) bootstrapComplete(ctx context.Context) (bool, error) {
	if o.complete {
		return true, nil
	}
	var cm corev1.ConfigMap
	err := o.client.Get(ctx, kube.ConfigMaps.Ref("kube-system", "bootstrap"), &cm)
	if err != nil && !kube.NotFound(err) {
		return false, fmt.Errorf("read bootstrap status: %w", err)
	}
	o.complete = cm.Data["status"] == "complete"
	return o.complete, nil
}

// podWaits reports whether the node's etcd pod waits to be added: a member that
// nobody starts would be a learner that blocks all others.
func (o *operand) podWaits(ctx context.Context, node string) (bool, error) {
	var p corev1.Pod
	err := o.client.Get(ctx, kube.Pods.Ref(namespace, "etcd-"+node), &p)
	if err != nil && !kube.NotFound(err) {
		return false, fmt.Errorf("read etcd pod of %s: %w", node, err)
	}
	return slices.ContainsFunc(p.Status.InitContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.Name == "discover" && c.State.Running != nil
	}), nil
}

func (o *operand) act(ctx context.Context, s state, a action) error {
	if a.Do == nothing {
		return nil
	}
	endpoint := ""
	for _, m := range s.Members {
		// Only the leader moves leadership; else any healthy voter that stays will do.
		good := m.Healthy && !m.Learner && m.ID != a.Member
		if a.Do == moveLeader {
			good = m.ID == s.Leader
		}
		if good {
			endpoint = ClientURL(m.IP)
		}
	}
	if endpoint == "" {
		return fmt.Errorf("%s %s: no healthy member to ask", a.Do, a.Name)
	}
	c, err := o.dial.client(endpoint)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	voters := s.tally().voters
	reason, message := "", ""
	switch a.Do {
	case addLearner:
		_, err = c.MemberAddAsLearner(ctx, []string{PeerURL(a.IP)})
		reason = "MemberAddAsLearner"
		message = fmt.Sprintf("added %s (%s) as learner; %d members vote", a.Name, a.IP, voters)
	case promote:
		_, err = c.MemberPromote(ctx, a.Member)
		reason, message = "MemberPromote", fmt.Sprintf("promoted %s; voting members %d→%d", a.Name, voters, voters+1)
	case moveLeader:
		_, err = c.MoveLeader(ctx, a.Member)
		reason, message = "LeaderMoved", fmt.Sprintf("moved leadership from %s to %s", BootstrapMember, a.Name)
	case remove:
		_, err = c.MemberRemove(ctx, a.Member)
		reason, message = "MemberRemove", fmt.Sprintf("removed %s; voting members %d→%d", a.Name, voters, voters-1)
		for _, m := range s.Members {
			if m.ID == a.Member && m.Learner {
				message = fmt.Sprintf("removed learner %s, whose node is gone; %d members vote", a.Name, voters)
			}
		}
	}
	if errors.Is(err, rpctypes.ErrMemberLearnerNotReady) || errors.Is(err, rpctypes.ErrUnhealthy) {
		// The learner has not caught up, or a member is connected for less than the five
		// seconds that etcd wants before a change. The next pass asks again.
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", a.Do, a.Name, err)
	}
	o.event(ctx, corev1.EventTypeNormal, reason, message)
	return nil
}

// publish writes the two lists of members; the bootstrap's annotation goes with it.
func (o *operand) publish(ctx context.Context, have *corev1.ConfigMap, s state) error {
	want := have.DeepCopy()
	want.Data = map[string]string{}
	delete(want.Annotations, BootstrapAnnotation)
	var all, urls []string
	for _, m := range s.Members {
		all = append(all, ClientURL(m.IP))
		if m.Learner {
			continue
		}
		urls = append(urls, ClientURL(m.IP))
		if !s.leaving(m) {
			want.Data[strconv.FormatUint(m.ID, 16)] = m.IP
			continue
		}
		if want.Annotations == nil {
			want.Annotations = map[string]string{}
		}
		want.Annotations[BootstrapAnnotation] = m.IP
	}
	if !maps.Equal(have.Data, want.Data) || !maps.Equal(have.Annotations, want.Annotations) {
		if err := o.client.Update(ctx, kube.ConfigMaps.Ref(namespace, Endpoints), "", want); err != nil {
			return fmt.Errorf("write etcd endpoints: %w", err)
		}
	}
	slices.Sort(urls)
	o.dial.keep(all)
	return o.client.EnsureConfigMap(ctx, api.ConfigMap(namespace, memberList, map[string]string{
		discoverKey: strings.Join(urls, ","),
	}))
}

// judge puts the state into conditions.
func judge(r *staticpod.Report, s state, a action) {
	running, why := s.runningInCluster()
	bootstrap := slices.ContainsFunc(s.Members, func(m member) bool { return m.Name == BootstrapMember })
	t := s.tally()
	r.Busy = bootstrap || t.learners > 0 || !running || a.Do != nothing
	if t.healthy == 0 || t.alive*2 <= t.voters {
		r.Unavailable = fmt.Sprintf("%d of %d members are healthy: no quorum", t.healthy, t.voters)
	}
	if len(t.sick) > 0 {
		r.Degraded = "members not healthy: " + strings.Join(t.sick, ", ")
		r.Hold = r.Degraded
	}
	if s.Replicas >= 3 && t.voters < 3 {
		r.Hold = fmt.Sprintf("%d members vote; replacing one would risk the quorum", t.voters)
	}
	message := fmt.Sprintf("%d members are available", t.voters)
	if t.learners > 0 {
		message += fmt.Sprintf(", %d learns", t.learners)
	}
	if a.Why != "" {
		message += "; " + a.Why
	}
	available, removed, votes := r.Unavailable == "", !bootstrap, fmt.Sprintf("%d members vote", t.voters)
	r.Conditions = []operator.Condition{
		operator.Is(runningInCluster, running, "EnoughEtcdMembers", "NotEnoughEtcdMembers", why),
		operator.Is("EtcdBootstrapMemberRemoved", removed, "BootstrapMemberRemoved", "BootstrapMemberPresent", votes),
		operator.Is("EtcdMembersAvailable", available, "EtcdQuorate", "NoQuorum", message),
		operator.Is("EtcdMembersDegraded", len(t.sick) > 0, "UnhealthyMembers", operator.AsExpected, r.Degraded),
	}
}

func memberURLs(cm *corev1.ConfigMap) []string {
	var out []string
	for _, ip := range cm.Data {
		out = append(out, ClientURL(ip))
	}
	slices.Sort(out)
	if ip := cm.Annotations[BootstrapAnnotation]; ip != "" {
		out = append([]string{ClientURL(ip)}, out...)
	}
	return out
}
