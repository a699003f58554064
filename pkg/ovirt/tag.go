package ovirt

import (
	"context"

	sdk "github.com/ovirt/go-ovirt"
)

// Tag carries ownership of machines.
type Tag struct{ ID, Name, Description string }

func tagFrom(t *sdk.Tag) Tag {
	return Tag{ID: val(t.Id()), Name: val(t.Name()), Description: val(t.Description())}
}

// Tags returns all tags of the engine.
func (c *Client) Tags(ctx context.Context) ([]Tag, error) {
	return call(ctx, c, "list tags", repeatable, func(e *engine) *sdk.TagsServiceListRequest {
		return e.TagsService().List()
	}, all((*sdk.TagsServiceListResponse).Tags, tagFrom))
}

// GetTag returns the tag with that ID.
func (c *Client) GetTag(ctx context.Context, id string) (Tag, error) {
	return call(ctx, c, "read tag "+id, repeatable, func(e *engine) *sdk.TagServiceGetRequest {
		return e.TagsService().TagService(id).Get()
	}, one((*sdk.TagServiceGetResponse).Tag, tagFrom))
}

// FindTag returns the tag of that name, nil if there is none.
func (c *Client) FindTag(ctx context.Context, name string) (*Tag, error) {
	tags, err := c.Tags(ctx)
	return first(tags, func(t Tag) bool { return t.Name == name }), err
}

// CreateTag makes a tag; names of tags are unique.
func (c *Client) CreateTag(ctx context.Context, name, description string) (Tag, error) {
	return call(ctx, c, "create tag "+name, single, func(e *engine) *sdk.TagsServiceAddRequest {
		return e.TagsService().Add().Tag(sdk.NewTagBuilder().Name(name).Description(description).MustBuild())
	}, one((*sdk.TagsServiceAddResponse).Tag, tagFrom))
}

// DescribeTag replaces a tag's description. Doing so twice is the same as once.
func (c *Client) DescribeTag(ctx context.Context, t Tag, description string) error {
	return order(ctx, c, "describe tag "+t.Name, repeatable, func(e *engine) *sdk.TagServiceUpdateRequest {
		return e.TagsService().TagService(t.ID).Update().
			Tag(sdk.NewTagBuilder().Name(t.Name).Description(description).MustBuild())
	})
}

// DeleteTag removes a tag, also from machines. One that is gone is fine.
func (c *Client) DeleteTag(ctx context.Context, t Tag) error {
	return gone(order(ctx, c, "delete tag "+t.Name, repeatable, func(e *engine) *sdk.TagServiceRemoveRequest {
		return e.TagsService().TagService(t.ID).Remove()
	}))
}

// VMTags returns the names of a machine's tags.
func (c *Client) VMTags(ctx context.Context, vmID string) ([]string, error) {
	const op = "list tags of virtual machine"
	return call(ctx, c, op, repeatable, func(e *engine) *sdk.AssignedTagsServiceListRequest {
		return e.VmsService().VmService(vmID).TagsService().List()
	}, all((*sdk.AssignedTagsServiceListResponse).Tags, func(t *sdk.Tag) string { return val(t.Name()) }))
}

// TagVM puts a tag on a machine. Doing so twice is the same as once.
func (c *Client) TagVM(ctx context.Context, vm VM, tag Tag) error {
	op := "tag virtual machine " + vm.Name
	return order(ctx, c, op, repeatable, func(e *engine) *sdk.AssignedTagsServiceAddRequest {
		return e.VmsService().VmService(vm.ID).TagsService().Add().Tag(sdk.NewTagBuilder().Id(tag.ID).MustBuild())
	})
}
