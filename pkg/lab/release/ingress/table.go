package ingress

import (
	"fmt"
	"net"
	"strings"

	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
)

// backend is where requests of one host go.
type backend struct {
	Address  string // host:port of the service
	Edge     bool   // TLS ends at the router
	Reencode bool   // TLS again towards the service
	Redirect bool   // plain requests are sent to https
	Plain    bool   // plain requests are served
}

// pathRoute is one route of a host.
type pathRoute struct {
	path string
	backend
}

// table finds backends by host and path.
type table map[string][]pathRoute

// lookup returns the route with the longest path that fits.
func (t table) lookup(host, path string) (backend, bool) {
	if h, _, ok := strings.Cut(host, ":"); ok {
		host = h
	}
	best, found := pathRoute{}, false
	for _, r := range t[strings.ToLower(host)] {
		if strings.HasPrefix(path, r.path) && (!found || len(r.path) > len(best.path)) {
			best, found = r, true
		}
	}
	return best.backend, found
}

// build makes the table. problems tells by namespace/name why a route is left out.
func build(routes []routev1.Route, services map[string]corev1.Service) (t table, problems map[string]string) {
	t, problems = table{}, map[string]string{}
	for _, r := range routes {
		name := r.Namespace + "/" + r.Name
		b, err := backendOf(r, services)
		if err != nil {
			problems[name] = err.Error()
			continue
		}
		host := strings.ToLower(r.Spec.Host)
		t[host] = append(t[host], pathRoute{r.Spec.Path, b})
	}
	return t, problems
}

func backendOf(r routev1.Route, services map[string]corev1.Service) (backend, error) {
	if r.Spec.Host == "" {
		return backend{}, fmt.Errorf("spec.host is empty")
	}
	if r.Spec.To.Kind != "" && r.Spec.To.Kind != "Service" {
		return backend{}, fmt.Errorf("spec.to.kind %q is not Service", r.Spec.To.Kind)
	}
	s, ok := services[r.Namespace+"/"+r.Spec.To.Name]
	if !ok {
		return backend{}, fmt.Errorf("service %s does not exist", r.Spec.To.Name)
	}
	if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone {
		return backend{}, fmt.Errorf("service %s has no cluster address", s.Name)
	}
	port, err := portOf(r, s)
	if err != nil {
		return backend{}, err
	}
	b := backend{Address: net.JoinHostPort(s.Spec.ClusterIP, fmt.Sprint(port))}
	if r.Spec.TLS == nil {
		b.Plain = true
		return b, nil
	}
	switch r.Spec.TLS.Termination {
	case routev1.TLSTerminationEdge:
		b.Edge = true
	case routev1.TLSTerminationReencrypt:
		b.Edge, b.Reencode = true, true
	default:
		return backend{}, fmt.Errorf("TLS termination %q is not supported by this router; use edge or reencrypt",
			r.Spec.TLS.Termination)
	}
	plain := r.Spec.TLS.InsecureEdgeTerminationPolicy
	b.Redirect = plain == routev1.InsecureEdgeTerminationPolicyRedirect
	b.Plain = plain == routev1.InsecureEdgeTerminationPolicyAllow
	return b, nil
}

// portOf finds the service port that a route means, or the only one.
func portOf(r routev1.Route, s corev1.Service) (int32, error) {
	if r.Spec.Port == nil {
		if len(s.Spec.Ports) == 0 {
			return 0, fmt.Errorf("service %s has no port", s.Name)
		}
		return s.Spec.Ports[0].Port, nil
	}
	want := r.Spec.Port.TargetPort
	for _, p := range s.Spec.Ports {
		if p.Name == want.String() || p.TargetPort.String() == want.String() {
			return p.Port, nil
		}
	}
	return 0, fmt.Errorf("service %s has no port %s", s.Name, want.String())
}
