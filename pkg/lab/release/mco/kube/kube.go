// Package kube is a small JSON client of the Kubernetes API for programs that
// need a handful of objects: typed clients and informers would cost each of
// the many small processes on a node more memory than all their own data.
package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Paths of the API groups in use.
const (
	Core          = "/api/v1"
	Apps          = "/apis/apps/v1"
	Discovery     = "/apis/discovery.k8s.io/v1"
	Config        = "/apis/config.openshift.io/v1"
	MachineConfig = "/apis/machineconfiguration.openshift.io/v1"
)

// Content types of patches.
const (
	MergePatch = "application/merge-patch+json"
	ApplyPatch = "application/apply-patch+yaml" // server-side apply; JSON is YAML
)

// Client calls one API server.
type Client struct {
	base string
	http *http.Client
}

// Dial reads a kubeconfig; an empty path means the pod's service account.
func Dial(kubeconfig string) (*Client, error) {
	cfg, err := load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read API credentials: %w", err)
	}
	return New(cfg)
}

// DialVia is Dial, but connects to address (host:port) while still expecting
// the certificate of the host that the kubeconfig names.
func DialVia(kubeconfig, address string) (*Client, error) {
	cfg, err := load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read API credentials: %w", err)
	}
	if cfg.TLSClientConfig.ServerName == "" {
		host, _, _ := strings.Cut(strings.TrimPrefix(cfg.Host, "https://"), ":")
		cfg.TLSClientConfig.ServerName = host
	}
	cfg.Host = "https://" + address
	return New(cfg)
}

func load(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}

// New makes a client from a configuration.
func New(cfg *rest.Config) (*Client, error) {
	cfg.Timeout = 10 * time.Second
	h, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make API client: %w", err)
	}
	base := strings.TrimSuffix(cfg.Host, "/")
	if !strings.Contains(base, "://") {
		base = "https://" + base
	}
	return &Client{base: base, http: h}, nil
}

// Error is a refusal by the API server.
type Error struct {
	Method, Path string
	Code         int
	Reason       metav1.StatusReason
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %d %s: %s", e.Method, e.Path, e.Code, e.Reason, e.Message)
}

// IsNotFound says whether err is a 404.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == http.StatusNotFound
}

// Get reads one object or a list.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, into)
}

// Create posts an object to a collection.
func (c *Client) Create(ctx context.Context, path string, obj any) error {
	return c.do(ctx, http.MethodPost, path, "application/json", obj, nil)
}

// Patch sends a patch of the given content type.
func (c *Client) Patch(ctx context.Context, path, kind string, patch any) error {
	return c.do(ctx, http.MethodPatch, path, kind, patch, nil)
}

// Apply makes fields of an object what obj says, as field manager owner.
func (c *Client) Apply(ctx context.Context, path, owner string, obj any) error {
	return c.Patch(ctx, path+"?force=true&fieldManager="+owner, ApplyPatch, obj)
}

func (c *Client) do(ctx context.Context, method, path, kind string, in, into any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: encode: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	if resp.StatusCode >= 300 {
		e := &Error{Method: method, Path: path, Code: resp.StatusCode}
		var st metav1.Status
		if json.Unmarshal(raw, &st) == nil {
			e.Reason, e.Message = st.Reason, st.Message
		}
		return e
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s %s: decode answer: %w", method, path, err)
	}
	return nil
}
