package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Create makes an object and reads the server's version of it, with its UID, back into it.
func (c *Client) Create(ctx context.Context, k Kind, namespace string, object any) error {
	return c.send(ctx, http.MethodPost, k.Ref(namespace, ""), "", nil, "application/json", object, object)
}

// Update replaces one object, or its subresource if one is named.
func (c *Client) Update(ctx context.Context, r Ref, subresource string, object any) error {
	return c.send(ctx, http.MethodPut, r, subresource, nil, "application/json", object, nil)
}

// Patch merges a patch (RFC 7386) into an object, or into its subresource if one is named.
func (c *Client) Patch(ctx context.Context, r Ref, subresource string, patch any) error {
	return c.send(ctx, http.MethodPatch, r, subresource, nil, "application/merge-patch+json", patch, nil)
}

// Apply sets the fields of an object for an owner, and makes the object if it does not exist (server-side apply).
func (c *Client) Apply(ctx context.Context, r Ref, owner string, object any) error {
	query := url.Values{"fieldManager": {owner}, "force": {"true"}}
	return c.send(ctx, http.MethodPatch, r, "", query, "application/apply-patch+yaml", object, nil)
}

// Applying says how Merge applies.
type Applying struct {
	Owner  string // field manager
	Force  bool   // take fields over that another owner has set to other values; else that is a conflict
	DryRun bool   // only compute what would be stored
}

// Merge is Apply that returns what is, or would be, stored.
func (c *Client) Merge(ctx context.Context, r Ref, how Applying, object, into any) error {
	query := url.Values{"fieldManager": {how.Owner}, "force": {strconv.FormatBool(how.Force)}}
	if how.DryRun {
		query.Set("dryRun", "All")
	}
	return c.send(ctx, http.MethodPatch, r, "", query, "application/apply-patch+yaml", object, into)
}

// DeleteExactly removes an object if it is still the one with that UID. What it owns goes afterwards.
func (c *Client) DeleteExactly(ctx context.Context, r Ref, uid string) error {
	id, policy := types.UID(uid), metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &id}, PropagationPolicy: &policy}
	return c.send(ctx, http.MethodDelete, r, "", nil, "application/json", options, nil)
}

// Evict removes a pod, if its disruption budgets allow that now.
func (c *Client) Evict(ctx context.Context, namespace, name string, eviction any) error {
	return c.send(ctx, http.MethodPost, Pods.Ref(namespace, name), "eviction", nil, "application/json", eviction, nil)
}

// Delete removes one object.
func (c *Client) Delete(ctx context.Context, r Ref) error {
	return c.call(ctx, request{method: http.MethodDelete, path: r.path()}, nil)
}

func (c *Client) send(ctx context.Context, method string, r Ref, subresource string, query url.Values,
	mediaType string, object, into any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", r, err)
	}
	return c.call(ctx, request{method, path.Join(r.path(), subresource), query, mediaType, body}, into)
}
