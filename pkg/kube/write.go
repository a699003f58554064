package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
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
