package packages

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/clock"
)

// Server answers for the API.
type Server struct {
	Clock clock.Clock

	mu     sync.Mutex
	list   []Manifest
	global map[string]bool // namespaces whose catalogs are for all
	asked  atomic.Bool
}

// Set replaces the catalogs.
func (s *Server) Set(catalogs []Catalog) {
	all, global := map[string][]Manifest{}, map[string]bool{}
	for _, c := range catalogs {
		all[c.Source.Namespace+"/"+c.Source.Name] = manifests(c)
		if c.Global {
			global[c.Source.Namespace] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.global = sorted(all), global
}

// Ready reports whether the API server has asked.
func (s *Server) Ready() bool { return s.asked.Load() }

// TLS makes the server trust its callers: the API server with a certificate of one of
// the authorities and one of the names, if there are any. Who may do what has been
// decided there.
func TLS(own tls.Certificate, authorities []byte, names []string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities)
	return &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		VerifyConnection: func(s tls.ConnectionState) error {
			for _, n := range names {
				if len(s.PeerCertificates) > 0 && s.PeerCertificates[0].Subject.CommonName == n {
					return nil
				}
			}
			if len(names) == 0 {
				return nil
			}
			return errStranger
		},
	}
}

var errStranger = x509.CertificateInvalidError{Reason: x509.NameMismatch, Detail: "the caller is not the API server"}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Store(true)
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != http.MethodGet {
		refuse(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, "PackageManifests are read only")
		return
	}
	switch {
	case r.URL.Path == "/apis":
		answer(w, metav1.APIGroupList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}, Groups: []metav1.APIGroup{apiGroup()},
		})
	case r.URL.Path == "/apis/"+Group:
		answer(w, apiGroup())
	case len(parts) < 3 || parts[0] != "apis" || parts[1] != Group || parts[2] != Version:
		notFound(w, r.URL.Path)
	case len(parts) == 3:
		answer(w, resources())
	case len(parts) == 4 && parts[3] == plural:
		s.answerList(w, r, "")
	case len(parts) == 6 && parts[3] == "namespaces" && parts[5] == plural:
		s.answerList(w, r, parts[4])
	case len(parts) == 7 && parts[3] == "namespaces" && parts[5] == plural:
		s.answerOne(w, r, parts[4], parts[6])
	default:
		notFound(w, r.URL.Path)
	}
}

func apiGroup() metav1.APIGroup {
	v := metav1.GroupVersionForDiscovery{GroupVersion: Group + "/" + Version, Version: Version}
	return metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroup"}, Name: Group,
		Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v,
	}
}

func resources() metav1.APIResourceList {
	return metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: Group + "/" + Version,
		APIResources: []metav1.APIResource{{
			Name: plural, SingularName: "packagemanifest", Namespaced: true, Kind: kind, Verbs: []string{"get", "list"},
		}},
	}
}

func (s *Server) seen(namespace string) []Manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return in(s.list, s.global, namespace)
}

func (s *Server) answerList(w http.ResponseWriter, r *http.Request, namespace string) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		refuse(w, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	name, byName := strings.CutPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	out := []Manifest{}
	for _, m := range s.seen(namespace) {
		if selector.Matches(labels.Set(m.Labels)) && (!byName || m.Name == name) {
			out = append(out, m)
		}
	}
	if asTable(r) {
		answer(w, table(out, s.Clock.Now()))
		return
	}
	answer(w, map[string]any{
		"apiVersion": Group + "/" + Version, "kind": kind + "List", "metadata": map[string]any{}, "items": out,
	})
}

func (s *Server) answerOne(w http.ResponseWriter, r *http.Request, namespace, name string) {
	for _, m := range s.seen(namespace) {
		if m.Name != name {
			continue
		}
		if asTable(r) {
			answer(w, table([]Manifest{m}, s.Clock.Now()))
			return
		}
		answer(w, m)
		return
	}
	refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound, plural+"."+Group+" \""+name+"\" not found")
}

func asTable(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "as=Table") }

func notFound(w http.ResponseWriter, path string) {
	refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound, "nothing is served at "+path)
}

func refuse(w http.ResponseWriter, code int32, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(code))
	_ = json.NewEncoder(w).Encode(metav1.Status{ // fails only when the client has hung up
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
		Code: code, Reason: reason, Message: message,
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
