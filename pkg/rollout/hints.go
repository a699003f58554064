package rollout

import "regexp"

// hints are causes that are met again and again, by the words in which clusters
// complain of them.
var hints = []struct {
	words *regexp.Regexp
	hint  string
}{
	{regexp.MustCompile(`(?i)lookup \S*apps\S*.*(no such host|timeout|misbehaving)|(no such host|NXDOMAIN).*\.apps\.`),
		"*.apps.<cluster domain> must resolve to the ingress load balancer or its virtual address, from the nodes too"},
	{regexp.MustCompile(`(?i)lookup \S*api-int\S*.*(no such host|timeout)`),
		"api-int.<cluster domain> must resolve on the nodes"},
	{regexp.MustCompile(`(?i)\.apps\.\S+.*(connection refused|i/o timeout|EOF|no route to host)|RouteHealth|route .*not (yet )?(available|reachable)`),
		"the name of the route resolves, but nothing answers: ports 443 and 80 of the ingress load balancer must lead to the nodes that run routers"},
	{regexp.MustCompile(`(?i)(no nodes|nodes are available|insufficient (cpu|memory)|didn't match .*(node selector|affinity)|untolerated taint)`),
		"there are not enough nodes for what is to run: look for pending certificate requests and for machines that have not booted"},
	{regexp.MustCompile(`(?i)ErrImagePull|ImagePullBackOff|manifest unknown|unauthorized: |x509: .*registry|pull(ing)? (access denied|image)`),
		"nodes cannot pull images: check the login in pullSecret, mirrors (imageDigestSources), additionalTrustBundle and the proxy"},
	{regexp.MustCompile(`(?i)x509: certificate has expired|certificate is not yet valid|not yet valid`),
		"a certificate is out of its time: check the clocks of all hosts (NTP)"},
	{regexp.MustCompile(`(?i)storage (backend )?(not|is not) configured|NoPersistentVolume|StorageNotConfigured`),
		"the image registry has no storage: give it some, or set managementState of configs.imageregistry.operator.openshift.io/cluster to Removed"},
	{regexp.MustCompile(`(?i)MachineConfigPool|machineconfigpool|RequiredPoolsFailed`),
		"a node could not apply its configuration: look at `oc get machineconfigpools,nodes` and at the machine-config-daemon of the node that is degraded"},
	{regexp.MustCompile(`(?i)NodeInstallerDegraded|StaticPods?Degraded|MissingStaticPod`),
		"a static pod of the control plane does not start on one master: look at its kubelet's journal and at disk and memory"},
	{regexp.MustCompile(`(?i)EtcdMembersDegraded|unhealthy members|no quorum|slow fsync|took too long`),
		"etcd is unwell: check the disks of the masters (fsync under 10 ms) and the network between them"},
}

// Hint is where to look for the cause of a complaint, empty if it is unknown.
func Hint(complaint string) string {
	for _, h := range hints {
		if h.words.MatchString(complaint) {
			return h.hint
		}
	}
	return ""
}
