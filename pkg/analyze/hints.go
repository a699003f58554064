package analyze

import "regexp"

// hints are what to do about errors that are known by their words, the more specific ones first.
var hints = []struct {
	pattern *regexp.Regexp
	next    string
}{
	{regexp.MustCompile(`(?i)lookup \S*\.apps\.\S*.*(no such host|server misbehaving|i/o timeout)`),
		"make *.apps.<name>.<domain> resolvable, for the nodes too: it has to point to the ingress load balancer or " +
			"its virtual address"},
	{regexp.MustCompile(`(?i)\.apps\.\S*.*(connection refused|i/o timeout|no route to host|EOF)`),
		"forward ports 443 and 80 of the ingress load balancer to the nodes that run routers"},
	{regexp.MustCompile(`(?i)untolerated taint|nodes are available|no (schedulable )?nodes`),
		"add nodes: look for machines that have not booted and for certificate requests that wait"},
	{regexp.MustCompile(`(?i)storage (backend )?(is )?not configured|StorageNotConfigured|NoPersistentVolume`),
		"give the image registry storage, or set managementState of " +
			"configs.imageregistry.operator.openshift.io/cluster to Removed"},
	{regexp.MustCompile(`(?i)RequiredPoolsFailed|MachineConfigPool \S+ is degraded|pool \S+ is degraded`),
		"look at oc get machineconfigpools,nodes and at the machine-config-daemon of the node that is degraded"},
	{regexp.MustCompile(`(?i)slow fsync|apply request took too long|unhealthy members|no leader`),
		"check the disks of the masters (fsync under 10 ms) and the network between them"},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|invalid username/password|denied: |` +
		`access to the resource is denied|no basic auth`),
		"put a valid login for that registry into pullSecret of install-config.yaml"},
	{regexp.MustCompile(`(?i)certificate has expired|not yet valid|certificate is not valid yet`),
		"compare the clocks of this machine and of the hosts (NTP); Ignition configs that are older than a day have " +
			"expired certificates and must be generated again"},
	{regexp.MustCompile(`(?i)x509|unknown authority|certificate signed by|tls: failed to verify`),
		"put the certificate authority of that server into additionalTrustBundle with additionalTrustBundlePolicy: " +
			"Always"},
	{regexp.MustCompile(`(?i)manifest unknown|name unknown|manifest for .* not found|repository name not known`),
		"check that the registry, or its mirror in imageDigestSources, holds this image"},
	{regexp.MustCompile(`(?i)no such host|server misbehaving|could not resolve|name or service not known|` +
		`temporary failure in name resolution`),
		"make that name resolvable in the machines' network"},
	{regexp.MustCompile(`(?i)proxyconnect|proxy authentication required`),
		"check the proxy in install-config.yaml, and its noProxy"},
	{regexp.MustCompile(`(?i)no space left on device`),
		"give the machine a larger disk"},
	{regexp.MustCompile(`(?i)i/o timeout|connection refused|no route to host|network is unreachable|` +
		`connection timed out|TLS handshake timeout|connection reset`),
		"let the machines' network reach that address: routes, firewalls, load balancer"},
	{regexp.MustCompile(`(?i)pinging container registry`),
		"check that the registry works, and that it answers in the machines' network"},
	{regexp.MustCompile(`(?i)too many requests|toomanyrequests`),
		"the registry limits downloads: use a login or a mirror (imageDigestSources)"},
	{regexp.MustCompile(`(?i)insufficient (cpu|memory)`),
		"give the nodes more, or add nodes"},
}

// hint is what to do about an error, or else the general advice.
func hint(text, otherwise string) string {
	for _, h := range hints {
		if h.pattern.MatchString(text) {
			return h.next
		}
	}
	return otherwise
}
