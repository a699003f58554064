package ovirt

import (
	"context"

	sdk "github.com/ovirt/go-ovirt"
)

// Tag carries ownership of machines.
type Tag struct{ ID, Name, Description string }

// Tags returns all tags of the engine.
func (c *Client) Tags(ctx context.Context) ([]Tag, error) {
	resp, err := call(ctx, c, "list tags", repeatable, func(e *engine) *sdk.TagsServiceListRequest {
		return e.TagsService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Tags()
	return all(list, ok, tagFrom), nil
}

// GetTag returns the tag with that ID.
func (c *Client) GetTag(ctx context.Context, id string) (Tag, error) {
	op := "read tag " + id
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.TagServiceGetRequest {
		return e.TagsService().TagService(id).Get()
	})
	if err != nil {
		return Tag{}, err
	}
	t, ok := resp.Tag()
	return one(op, t, ok, tagFrom)
}

func tagFrom(t *sdk.Tag) Tag {
	out := Tag{}
	out.ID, _ = t.Id()
	out.Name, _ = t.Name()
	out.Description, _ = t.Description()
	return out
}

// FindTag returns the tag of that name, nil if there is none.
func (c *Client) FindTag(ctx context.Context, name string) (*Tag, error) {
	tags, err := c.Tags(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		if t.Name == name {
			return &t, nil
		}
	}
	return nil, nil
}

// CreateTag makes a tag; names of tags are unique.
func (c *Client) CreateTag(ctx context.Context, name, description string) (Tag, error) {
	op := "create tag " + name
	resp, err := call(ctx, c, op, single, func(e *engine) *sdk.TagsServiceAddRequest {
		b := sdk.NewTagBuilder().Name(name)
		if description != "" {
			b.Description(description)
		}
		return e.TagsService().Add().Tag(b.MustBuild())
	})
	if err != nil {
		return Tag{}, err
	}
	t, ok := resp.Tag()
	return one(op, t, ok, tagFrom)
}

// DescribeTag replaces a tag's description. Doing so twice is the same as once.
func (c *Client) DescribeTag(ctx context.Context, t Tag, description string) error {
	return ignore(call(ctx, c, "describe tag "+t.Name, repeatable, func(e *engine) *sdk.TagServiceUpdateRequest {
		return e.TagsService().TagService(t.ID).Update().
			Tag(sdk.NewTagBuilder().Name(t.Name).Description(description).MustBuild())
	}))
}

// DeleteTag removes a tag from the engine and all machines. One that is gone is
// fine.
func (c *Client) DeleteTag(ctx context.Context, t Tag) error {
	return gone(ignore(call(ctx, c, "delete tag "+t.Name, repeatable, func(e *engine) *sdk.TagServiceRemoveRequest {
		return e.TagsService().TagService(t.ID).Remove()
	})))
}

// VMTags returns the names of a machine's tags.
func (c *Client) VMTags(ctx context.Context, vmID string) ([]string, error) {
	const op = "list tags of virtual machine"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.AssignedTagsServiceListRequest {
		return e.VmsService().VmService(vmID).TagsService().List()
	})
	if err != nil {
		return nil, err
	}
	var out []string
	list, ok := resp.Tags()
	for _, t := range all(list, ok, tagFrom) {
		out = append(out, t.Name)
	}
	return out, nil
}

// TagVM puts a tag on a machine. Doing so twice is the same as once.
func (c *Client) TagVM(ctx context.Context, vm VM, tag Tag) error {
	op := "tag virtual machine " + vm.Name
	return ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.AssignedTagsServiceAddRequest {
		return e.VmsService().VmService(vm.ID).TagsService().Add().
			Tag(sdk.NewTagBuilder().Id(tag.ID).MustBuild())
	}))
}
