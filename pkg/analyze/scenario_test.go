package analyze

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
)

func stamp(minutes float64) string {
	return t0.Add(time.Duration(minutes * float64(time.Minute))).Format(time.RFC3339Nano)
}

// rec is one record: rec(minute, "stage end", "cb-bootstrap", "failure", "why").
func rec(minutes float64, phase string, more ...string) string {
	out := fmt.Sprintf(`{"timestamp":%q,"phase":%q`, stamp(minutes), phase)
	for i, key := range []string{"stage", "result", "errorMessage"} {
		if i < len(more) && more[i] != "" {
			out += fmt.Sprintf(`,%q:%q`, key, more[i])
		}
	}
	return out + "}"
}

func recs(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

var (
	releaseDone = recs(rec(1, "service start"), rec(1, "stage start", "pull-release-image"),
		rec(2, "stage end", "pull-release-image", "success"), rec(2, "service end", "", "success"))
	bootkubeOK = recs(rec(2, "service start"), rec(2, "stage start", "cb-bootstrap"),
		rec(9, "stage end", "cb-bootstrap", "success"), rec(9.5, "service end", "", "success"))
	reported = recs(rec(9.5, "service start"), rec(9.5, "stage start", "report-complete"),
		rec(12, "stage end", "report-complete", "success"), rec(12, "service end", "", "success"))
)

// completeCluster has installed itself.
var completeCluster = failedCluster.with(files{
	"installer/okd_install_journal.json": journalJSON("", "", "preflight"),
	"resources/pods.json":                items(),
	"resources/clusteroperators.json":    items(operator("etcd", 11, "Available=True")),
	"resources/clusterversions.json": items(obj("version", 3, "") + `,"status":{` + conditionsJSON(20,
		"Available=True", "Failing=False", "Progressing=False") + "}}")})

// stuckRelease is a host that cannot pull the release image.
var stuckRelease = files{
	"bootstrap/services/release-image.json": recs(rec(1, "service start"),
		rec(1, "stage start", "pull-release-image"), rec(3, "stage end", "pull-release-image", "failure",
			"reading manifest: unauthorized: authentication required"),
		rec(3, "stage start", "pull-release-image"), rec(5, "stage end", "pull-release-image", "failure",
			"reading manifest: unauthorized: authentication required"),
		rec(5, "stage start", "pull-release-image")),
	"failed-units.txt": "● chronyd.service loaded failed failed NTP client\n",
	"gather.log":       "gathering from the bootstrap host\n",
	"missing.txt":      "resources: the API does not answer\n",
}

func conditionsJSON(minutes float64, list ...string) string {
	var out []string
	for _, c := range list {
		f := strings.SplitN(c, "=", 3)
		message := ""
		if len(f) > 2 {
			message = f[2]
		}
		out = append(out, fmt.Sprintf(`{"type":%q,"status":%q,"message":%q,"lastTransitionTime":%q}`, f[0], f[1], message,
			stamp(minutes)))
	}
	return `"conditions":[` + strings.Join(out, ",") + "]"
}

func obj(name string, born float64, rest string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"creationTimestamp":%q%s}`, name, stamp(born), rest)
}

func items(list ...string) string { return `{"kind":"List","items":[` + strings.Join(list, ",") + "]}" }

func master(name string, born, ready float64, state ...string) string {
	return obj(name, born, `,"labels":{"node-role.kubernetes.io/master":""}`) + `,"status":{` + conditionsJSON(ready,
		state...) + "}}"
}

func operator(name string, minutes float64, state ...string) string {
	return obj(name, 5, "") + `,"status":{` + conditionsJSON(minutes, state...) + "}}"
}

func csr(name, signer, user string, born float64, approved bool) string {
	status := ""
	if approved {
		status = conditionsJSON(born, "Approved=True")
	}
	return obj(name, born, "") + fmt.Sprintf(`,"spec":{"signerName":%q,"username":%q},"status":{%s}}`, signer, user,
		status)
}

func etcdEvent(minutes float64, reason, message string) string {
	return fmt.Sprintf(`{"metadata":{"namespace":"openshift-etcd-operator","name":"e"},"reason":%q,"message":%q,`+
		`"type":"Normal","firstTimestamp":%q}`, reason, message, stamp(minutes))
}

func journalJSON(failed string, detail string, names ...string) string {
	run := phase.Run{Command: "create cluster --dir demo", Started: t0}
	at := t0
	for i, name := range names {
		end := at.Add(time.Duration(i+1) * time.Minute)
		e := phase.Entry{Name: name, Started: at, Ended: end, Result: phase.Done}
		if name == failed {
			e.Result, e.Detail = phase.Broken, detail
			run.Ended, run.Error = end, "phase "+name+": "+detail
		}
		run.Phases = append(run.Phases, e)
		at = end
	}
	run.Notes = []phase.Note{{Time: t0.Add(8 * time.Minute),
		Message: "etcd: added demo-master-0 (198.18.0.21) as learner; 1 members vote"}}
	raw, err := json.Marshal(map[string]any{"runs": []phase.Run{run}})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// failedCluster is a cluster that the masters have taken over and that does not
// become complete, as this installer gathers it.
var failedCluster = files{
	"bootstrap/services/release-image.json": releaseDone,
	"bootstrap/services/bootkube.json":      bootkubeOK,
	"bootstrap/services/progress.json":      reported,
	"installer/okd_install_journal.json": journalJSON("cluster-complete", "no progress for 40m0s, waiting for: operators",
		"preflight", "images", "infrastructure", "bootstrap-up", "api-answers", "bootstrap-complete", "cluster-complete"),
	"resources/nodes.json": items(
		master("demo-master-0", 4, 6, "Ready=True"), master("demo-master-1", 4, 7, "Ready=True"), master("demo-master-2",
			5, 7, "Ready=True")),
	"resources/clusterversions.json": items(obj("version", 3,
		"") + `,"status":{"desired":{"version":"4.20.0-okd-scos.1"},"history":[{"state":"Partial","startedTime":"` +
		stamp(3) + `","completionTime":null,"version":"4.20.0-okd-scos.1"}],` +
		conditionsJSON(20, "Available=False", "Failing=True=Cluster operators authentication, console are not available",
			"Progressing=True=waiting") + "}}"),
	"resources/clusteroperators.json": items(
		operator("console", 8, "Available=False=RouteHealthAvailable: connection refused", "Degraded=False"),
		operator("authentication", 8, "Available=False=no ready pods",
			"Degraded=True=OAuthServerRouteEndpointAccessibleControllerDegraded: Get "+
				"\"https://oauth-openshift.apps.demo.example.org/healthz\": dial tcp: lookup "+
				"oauth-openshift.apps.demo.example.org: no such host"),
		operator("etcd", 11, "Available=True", "Degraded=False"),
		operator("dns", 10, "Available=True", "Degraded=False")),
	"resources/events.json": items(
		etcdEvent(8, "MemberAddAsLearner", "added demo-master-0 (198.18.0.21) as learner; 1 members vote"),
		etcdEvent(8.5, "MemberPromote", "promoted demo-master-0; voting members 1→2"),
		etcdEvent(9, "MemberAddAsLearner", "added demo-master-1 (198.18.0.22) as learner; 2 members vote"),
		etcdEvent(9.5, "MemberPromote", "promoted demo-master-1; voting members 2→3"),
		etcdEvent(11, "MemberRemove", "removed etcd-bootstrap; voting members 3→2")),
	"resources/pods.json": items(`{"metadata":{"namespace":"openshift-console","name":"console-1"},`+
		`"status":{"phase":"Pending",`+conditionsJSON(8, "PodScheduled=False=0/3 nodes are available: 3 Insufficient "+
		"memory")+`}}`,
		`{"metadata":{"namespace":"mine","name":"x"},"status":{"phase":"Pending",`+conditionsJSON(8,
			"PodScheduled=False=mine")+`}}`),
	"resources/certificatesigningrequests.json": items(csr("csr-1", "kubernetes.io/kubelet-serving",
		"system:node:demo-master-0", 4, true)),
	"resources/etcds.json": items(obj("cluster", 3, "") + `,"status":{` + conditionsJSON(11,
		"EtcdBootstrapMemberRemoved=True", "EtcdMembersDegraded=False") + "}}"),
}

// hanging is a host whose bootkube waits for the masters.
func hanging(more files) files {
	return files{
		"bootstrap/services/release-image.json": releaseDone,
		"bootstrap/services/bootkube.json":      recs(rec(2, "service start"), rec(3, "stage start", "cb-bootstrap")),
	}.with(more)
}

func TestCauses(t *testing.T) {
	const kubelet = "kubernetes.io/kube-apiserver-client-kubelet"
	tests := []struct {
		name        string
		files       files
		cause, next string
	}{
		{"login of the registry", stuckRelease, "bootstrap host: the release image could not be downloaded in stage " +
			"pull-release-image (2 times in a row): reading manifest: unauthorized", "pullSecret"},
		{"a registry that breaks off", files{"bootstrap/services/release-image.json": recs(rec(1, "service start"),
			rec(2, "stage end", "pull-release-image", "failure",
				"Error: initializing source docker://registry.example.org/okd/release: pinging container registry "+
					"registry.example.org: Get \"https://registry.example.org/v2/\": EOF"))},
			"registry.example.org/v2/\": EOF", "check that the registry works"},
		{"a release image that never was tried", files{"bootstrap/services/crio-configure.json": recs(rec(1,
			"service start"))},
			"release-image.service was never started", "release-image.log"},
		{"a node image that does not come", files{"bootstrap/services/node-image-pull.json": recs(rec(1, "service start"),
			rec(2, "stage end", "pull-node-image", "failure", "x509: certificate signed by unknown authority"))},
			"the node image could not be put in place in stage pull-node-image: x509", "additionalTrustBundle"},
		{"still downloading", files{"bootstrap/services/release-image.json": recs(rec(1, "service start"),
			rec(1, "stage start", "pull-release-image"))},
			"the release image is still being downloaded: stage pull-release-image for 29m00s", ""},
		{"bootkube that never ran", files{"bootstrap/services/release-image.json": releaseDone},
			"bootkube.service was never started", "bootkube.log"},
		{"a stage of bootkube", files{"bootstrap/services/release-image.json": releaseDone,
			"bootstrap/services/bootkube.json": recs(rec(2, "service start"), rec(2, "stage start", "mco-bootstrap"),
				rec(3, "stage end", "mco-bootstrap", "failure", "cannot read manifests: bad input"), rec(3, "service end", "",
					"failure", "cannot read manifests: bad input"))},
			"bootkube failed in stage mco-bootstrap: cannot read manifests: bad input", "bootkube.log"},
		{"openshift-install's records",
			files{"bootstrap/services/release-image.json": `[{"timestamp":"2026-11-21T09:00:00Z","phase":"service start"},` +
				`{"timestamp":"2026-11-21T09:01:00Z","phase":"service end","result":"success"}]`,
				"bootstrap/services/bootkube.json": `[{"phase":"service start","timestamp":"2026-11-21T09:01:00Z"},` +
					`{"phase":"stage start","stage":"etcd-bootstrap","timestamp":"2026-11-21T09:01:01Z"},{"phase":"stage end",` +
					`"stage":"etcd-bootstrap","result":"failure","errorLine":"214 bootkube.sh",` +
					`"errorMessage":"Error: no space left on device","timestamp":"2026-11-21T09:02:00Z"},{"phase":"service end",` +
					`"result":"failure","timestamp":"2026-11-21T09:02:00Z"}]`},
			"bootkube failed in stage etcd-bootstrap: Error: no space left on device", "larger disk"},
		{"masters that do not come", hanging(files{"resources/nodes.json": items()}),
			"cluster: no control-plane node has joined", "22623"},
		{"certificates that wait", hanging(files{"resources/nodes.json": items(), "resources/csr.json": items(
			csr("csr-a", kubelet, "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper", 10,
				false), csr("csr-b", kubelet, "system:node:demo-master-1", 12, false))}),
			"cluster: 2 certificate requests of kubelets wait for approval for 20m00s", "oc adm certificate approve"},
		{"certificates of others, approved ones and new ones do not matter",
			hanging(files{"resources/nodes.json": items(), "resources/csr.json": items(
				csr("csr-a", "example.com/other", "x", 10, false), csr("csr-b", kubelet, "x", 12, true), csr("csr-c", kubelet,
					"x", 29.5, false))}), "no control-plane node has joined", ""},
		{"a wait for masters without the API's word", hanging(nil),
			"bootkube waits for the masters: stage cb-bootstrap for 27m00s", ""},
		{"a node that is not ready", hanging(files{"resources/nodes.json": items(master("demo-master-0", 4, 6,
			"Ready=False=container runtime network not ready: cni plugin not initialized"))}),
			"node demo-master-0: not ready: container runtime network not ready", "kubelet.log"},
		{"units of a master",
			hanging(files{
				"control-plane/198.18.0.21/failed-units.txt": "machine-config-daemon-firstboot.service loaded failed failed x\n",
			}),
			"198.18.0.21: failed units: machine-config-daemon-firstboot.service", "control-plane/198.18.0.21/journals"},
		{"names of the API", files{"bootstrap/services/release-image.json": releaseDone,
			"bootstrap/services/bootkube.json": recs(rec(2, "service start"), rec(2, "stage start", "resolve-api-int-url"),
				rec(3, "stage end", "resolve-api-int-url", "failure", "no address: empty answer"), rec(3, "stage start",
					"etcd-bootstrap"))},
			"bootkube is not done: stage etcd-bootstrap", ""},
		{"names of the API when nobody reaches it", files{"bootstrap/services/release-image.json": releaseDone,
			"bootstrap/services/bootkube.json": recs(rec(2, "service start"), rec(2, "stage start", "resolve-api-url"),
				rec(3, "stage end", "resolve-api-url", "failure", "no address: empty answer"), rec(3, "stage start",
					"etcd-bootstrap")),
			"installer/okd_install_journal.json": journalJSON("api-answers", "no progress for 20m0s, waiting for: API",
				"preflight", "api-answers")},
			"the name of the API does not resolve on the bootstrap host: no address: empty answer", "api.<name>.<domain>"},
		{"a host that nobody reaches", files{"missing.txt": "bootstrap host: connect to 198.18.0.5:22 by SSH: i/o timeout\n"},
			"bootstrap host: it could not be reached: connect to 198.18.0.5:22 by SSH: i/o timeout", "console"},
		{"nothing but a journal", files{"installer/okd_install_journal.json": journalJSON("infrastructure",
			"create VM demo-master-0: conflict: low disk space", "preflight", "images", "infrastructure")},
			"installer: phase infrastructure: create VM demo-master-0: conflict: low disk space", "create cluster again"},
		{"operators, those first that others need", failedCluster,
			"operator authentication: not available: OAuthServerRouteEndpointAccessibleControllerDegraded", "resolvable"},
		{"the version operator's own trouble",
			failedCluster.with(files{"resources/clusterversions.json": items(obj("version", 3,
				"") + `,"status":{` + conditionsJSON(20, "Failing=True=Could not update deployment openshift-dns/dns: no space "+
				"left on device") + "}}"), "resources/clusteroperators.json": items()}),
			"cluster version: failing: Could not update deployment", "larger disk"},
		{"operators without a cluster version", failedCluster.with(files{"resources/clusterversions.json": items()}),
			"operator authentication: not available: OAuthServerRouteEndpointAccessibleControllerDegraded", "resolvable"},
		{"an image that cannot be pulled",
			failedCluster.with(files{"resources/pods.json": items(`{"metadata":{"namespace":"openshift-dns","name":"dns-1"},` +
				`"status":{"phase":"Pending","containerStatuses":[{"name":"dns","image":"registry.example.org/okd/dns@sha256:12",` +
				`"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image: manifest unknown"}}}]}}`)}),
			"pods: openshift-dns/dns-1: ImagePullBackOff registry.example.org/okd/dns@sha256:12: Back-off pulling image: " +
				"manifest unknown", "imageDigestSources"},
		{"a member that stays", failedCluster.with(files{"resources/etcds.json": items(obj("cluster", 3,
			"") + `,"status":{` + conditionsJSON(11, "EtcdBootstrapMemberRemoved=False=4 members vote") + "}}")}),
			"etcd: the bootstrap host's member has not been removed: 4 members vote", "must stay"},
		{"units of the bootstrap host", files{"failed-units.txt": "crio.service loaded failed failed x\nkubelet.service " +
			"loaded failed failed y\n", "bootstrap/services/release-image.json": recs(rec(1, "service start"),
			rec(1, "stage start", "pull"))},
			"bootstrap host: failed units: crio.service, kubelet.service", "crio.log"},
		{"a wait for masters after a look at the API's name that failed", files{
			"bootstrap/services/release-image.json": releaseDone,
			"bootstrap/services/bootkube.json": recs(rec(2, "service start"), rec(2, "stage start", "resolve-api-url"),
				rec(3, "stage end", "resolve-api-url", "failure", "no address: empty answer"),
				rec(3, "stage start", "cb-bootstrap"))},
			"the name of the API does not resolve on the bootstrap host", "api.<name>.<domain>"},
		{"all is well", completeCluster, "none: the cluster is complete", ""},
		{"a unit of no weight beside a complete cluster", completeCluster.with(files{
			"failed-units.txt": "chronyd.service loaded failed failed NTP client\n"}),
			"none: the cluster is complete", ""},
		{"a version operator that has not judged yet", completeCluster.with(files{
			"resources/clusterversions.json": items(obj("version", 3, "") + `,"status":{` + conditionsJSON(20,
				"Available=True", "Progressing=False") + "}}")}),
			"none found in what could be looked at", "timeline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Bundle(t.Context(), save(t, pack(t, "log-bundle-20261121093000/", tt.files)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(r.Cause, tt.cause) || !strings.Contains(r.Next, tt.next) {
				t.Errorf("cause %q\nnext  %q\nwant  %q, %q\n%+v", r.Cause, r.Next, tt.cause, tt.next, r.Findings)
			}
			if r.Cause == "none: the cluster is complete" != r.Complete {
				t.Error("it is not said whether the cluster is complete")
			}
			checkReport(t, r)
		})
	}
}
