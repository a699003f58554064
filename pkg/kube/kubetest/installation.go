package kubetest

import (
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Objects are what an API server returns, by path. They can be read only; a Server
// takes writes as well.
type Objects map[string]any

// ServeHTTP answers a read.
func (o Objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if object, ok := o[r.URL.Path]; ok && r.Method == http.MethodGet {
		answer(w, object)
		return
	}
	fail(w, http.StatusNotFound, metav1.StatusReasonNotFound)
}

// Installation is how far the installation of a cluster has come.
type Installation struct {
	Bootstrapped bool // the bootstrap host has reported completion
	EtcdMoved    bool // etcd has removed the member of the bootstrap host
	Nodes        []string
	NodesReady   bool
	Installed    bool // the cluster version is available and complete
	Settled      bool // no cluster operator progresses
	Version      string
	IngressCA    string
	Console      string // host name
}

type object = map[string]any

// Objects returns what the API shows of the installation.
func (i Installation) Objects() Objects {
	version := object{"status": object{
		"desired": object{"version": i.Version},
		"conditions": conditions("Available", status(i.Installed), "Failing", "False",
			"Progressing", status(!i.Installed)),
	}}
	operator := object{
		"metadata": object{"name": "etcd"},
		"status": object{"conditions": conditions("Available", "True", "Degraded", "False",
			"Progressing", status(!i.Settled))},
	}
	nodes := []object{}
	for _, name := range i.Nodes {
		nodes = append(nodes, object{
			"metadata": object{"name": name},
			"status":   object{"conditions": conditions("Ready", status(i.NodesReady))},
		})
	}
	console := object{"host": i.Console, "conditions": conditions("Admitted", "True")}
	out := Objects{
		"/version":      object{"gitVersion": "v1.34.3"},
		"/api/v1/nodes": list(nodes...),
		"/apis/operator.openshift.io/v1/etcds/cluster": object{"status": object{
			"conditions": conditions("EtcdBootstrapMemberRemoved", status(i.EtcdMoved))}},
		"/apis/config.openshift.io/v1/clusterversions":         list(version),
		"/apis/config.openshift.io/v1/clusterversions/version": version,
		"/apis/config.openshift.io/v1/clusteroperators":        list(operator),
		"/api/v1/namespaces/openshift-config-managed/configmaps/default-ingress-cert": object{
			"data": object{"ca-bundle.crt": i.IngressCA}},
		"/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console": object{
			"status": object{"ingress": []object{console}}},

		"/api/v1/pods":   list(),
		"/api/v1/events": list(),
		"/api/v1/namespaces/openshift-etcd/events":                list(),
		"/api/v1/namespaces/openshift-etcd-operator/events":       list(),
		"/apis/certificates.k8s.io/v1/certificatesigningrequests": list(),
	}
	if i.Bootstrapped {
		out["/api/v1/namespaces/kube-system/configmaps/bootstrap"] = object{"data": object{"status": "complete"}}
	}
	return out
}

func list(items ...object) object {
	if items == nil {
		items = []object{}
	}
	return object{"items": items}
}

func status(yes bool) string {
	if yes {
		return "True"
	}
	return "False"
}

// conditions takes pairs of type and status.
func conditions(pairs ...string) []object {
	var out []object
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, object{"type": pairs[i], "status": pairs[i+1],
			"lastTransitionTime": "2026-01-01T00:00:00Z", "message": "set by the test"})
	}
	return out
}
