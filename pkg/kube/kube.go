// Package kube talks to a cluster's API: get, list, create, update, patch, apply and delete of typed objects.
package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// perCall limits one request, unless the configuration has its own timeout. The API moves between hosts while a
	// cluster comes up; a call that hangs on the old one must not block the wait.
	perCall = 10 * time.Second
	// maxBody limits an answer (bytes).
	maxBody = 64 << 20
)

// Client is a connection to one cluster.
type Client struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration // of one request
	config  *rest.Config  // for streams

	mu    sync.Mutex
	found map[string]Resource // kinds that discovery has named, by apiVersion and kind
}

// Dial reads a kubeconfig. It does not connect yet.
func Dial(kubeconfig []byte) (*Client, error) {
	cfg, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	return New(cfg)
}

// New makes a client from a REST configuration. The program's name owns the fields that it writes.
func New(cfg *rest.Config) (*Client, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, rest.DefaultKubernetesUserAgent())
	// While VIPs move, an idle connection may lead to a host that is gone.
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 5 * time.Second}
	cfg.Dial = dialer.DialContext
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("set up API client: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("read API URL: %w", err)
	}
	return &Client{
		base: base, http: client, timeout: cmp.Or(cfg.Timeout, perCall), config: cfg, found: map[string]Resource{},
	}, nil
}

// URL is the API's address.
func (c *Client) URL() string { return strings.TrimSuffix(c.base.String(), "/") }

// Kind names a collection of objects, as in Kind{"config.openshift.io", "v1", "clusterversions"}.
type Kind struct{ Group, Version, Plural string }

// Ref names one object. Namespace is empty for cluster-wide kinds.
type Ref struct {
	Kind            Kind
	Namespace, Name string
}

func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind.Plural + "/" + r.Name
	}
	return r.Kind.Plural + " " + r.Namespace + "/" + r.Name
}

func (r Ref) path() string {
	p := "/apis/" + r.Kind.Group + "/" + r.Kind.Version
	if r.Kind.Group == "" {
		p = "/api/" + r.Kind.Version
	}
	if r.Namespace != "" {
		p = path.Join(p, "namespaces", r.Namespace)
	}
	return path.Join(p, r.Kind.Plural, r.Name)
}

// Ref names one object of the kind.
func (k Kind) Ref(namespace, name string) Ref { return Ref{k, namespace, name} }

// Path is where the API lists all objects of the kind.
func (k Kind) Path() string { return k.Ref("", "").path() }

// Get reads one object.
func (c *Client) Get(ctx context.Context, r Ref, into any) error {
	return c.call(ctx, request{method: http.MethodGet, path: r.path()}, into)
}

// List reads all objects of a kind in a namespace, or everywhere.
func (c *Client) List(ctx context.Context, k Kind, namespace string, into any) error {
	return c.Query(ctx, k, namespace, nil, into)
}

// Query is List with parameters such as labelSelector.
func (c *Client) Query(ctx context.Context, k Kind, namespace string, query url.Values, into any) error {
	return c.call(ctx, request{method: http.MethodGet, path: k.Ref(namespace, "").path(), query: query}, into)
}

// Raw reads any path, such as /version, and returns the body.
func (c *Client) Raw(ctx context.Context, p string, query url.Values) ([]byte, error) {
	_, body, err := c.do(ctx, request{method: http.MethodGet, path: p, query: query})
	return body, err
}

// Now returns the time of the API server's clock, to the second. Compare times that the cluster wrote with this one,
// because the local clock may differ.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	header, _, err := c.do(ctx, request{method: http.MethodGet, path: "/version"})
	if err != nil {
		return time.Time{}, err
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read the API's time: %w", err)
	}
	return now, nil
}

// request is one call. Without a media type there is no body.
type request struct {
	method, path string
	query        url.Values
	mediaType    string
	body         []byte
}

func (c *Client) call(ctx context.Context, r request, into any) error {
	_, body, err := c.do(ctx, r)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode %s %s: %w", r.method, r.path, err)
	}
	return nil
}

// do makes a call. A server that asks to come back later is asked again within the call's time limit.
func (c *Client) do(ctx context.Context, r request) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for {
		header, body, err := c.try(ctx, r)
		after, later := apierrors.SuggestsClientDelay(err)
		if !later || !apierrors.IsTooManyRequests(err) {
			return header, body, err
		}
		again := time.NewTimer(time.Duration(max(after, 1)) * time.Second)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, nil, err
		}
	}
}

func (c *Client) try(ctx context.Context, r request) (http.Header, []byte, error) {
	u := *c.base
	u.Path = path.Join(u.Path, r.path)
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	req.Header.Set("Accept", "application/json")
	if r.mediaType != "" {
		req.Header.Set("Content-Type", r.mediaType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.http.CloseIdleConnections()
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, nil, fmt.Errorf("read answer to %s %s: %w", r.method, r.path, err)
	}
	if resp.StatusCode >= 300 {
		return nil, nil, statusError(resp.StatusCode, r.method, r.path, data)
	}
	return resp.Header, data, nil
}

func statusError(code int, method, p string, body []byte) error {
	var s metav1.Status
	if err := json.Unmarshal(body, &s); err == nil && s.Kind == "Status" {
		return &apierrors.StatusError{ErrStatus: s}
	}
	reason := metav1.StatusReasonUnknown
	if code == http.StatusNotFound {
		reason = metav1.StatusReasonNotFound
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(code), Reason: reason,
		Message: fmt.Sprintf("%s %s answered %d %s", method, p, code, http.StatusText(code)),
	}}
}

// NotFound reports whether err is the API server's answer that the object, or its kind, does not exist.
func NotFound(err error) bool { return apierrors.IsNotFound(err) }

// Answered reports whether err is an answer of the API server, not a failure to reach it.
func Answered(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// The kinds that the installer looks at.
var (
	ConfigMaps       = Kind{"", "v1", "configmaps"}
	Secrets          = Kind{"", "v1", "secrets"}
	Nodes            = Kind{"", "v1", "nodes"}
	Pods             = Kind{"", "v1", "pods"}
	Events           = Kind{"", "v1", "events"}
	CSRs             = Kind{"certificates.k8s.io", "v1", "certificatesigningrequests"}
	ClusterVersions  = Kind{"config.openshift.io", "v1", "clusterversions"}
	ClusterOperators = Kind{"config.openshift.io", "v1", "clusteroperators"}
	Etcds            = Kind{"operator.openshift.io", "v1", "etcds"}
	Routes           = Kind{"route.openshift.io", "v1", "routes"}
)
