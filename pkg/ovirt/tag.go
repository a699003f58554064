package ovirt

import (
	"context"

	ovirtsdk "github.com/ovirt/go-ovirt"
	ovirtclient "github.com/ovirt/go-ovirt-client/v3"
)

// Tag carries ownership of machines.
type Tag struct{ ID, Name, Description string }

// Tags returns all tags of the engine.
func (c *Client) Tags(ctx context.Context) ([]Tag, error) {
	return ask(ctx, c, "list tags", func(s *session) ([]Tag, error) {
		var out []Tag
		tags, err := s.lib.ListTags(once()...)
		if err != nil {
			return nil, err
		}
		for _, t := range tags {
			tag := Tag{ID: string(t.ID()), Name: t.Name()}
			if d := t.Description(); d != nil {
				tag.Description = *d
			}
			out = append(out, tag)
		}
		return out, nil
	})
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
	return send(ctx, c, "create tag "+name, func(s *session) (Tag, error) {
		var out Tag
		params := ovirtclient.NewCreateTagParams()
		if description != "" {
			var err error
			if params, err = params.WithDescription(description); err != nil {
				return out, err
			}
		}
		t, err := s.lib.CreateTag(name, params, once()...)
		if err != nil {
			return out, err
		}
		out = Tag{ID: string(t.ID()), Name: name, Description: description}
		return out, nil
	})
}

// DescribeTag replaces a tag's description. Doing so twice is the same as once.
func (c *Client) DescribeTag(ctx context.Context, t Tag, description string) error {
	return c.read(ctx, "describe tag "+t.Name, func(s *session) error {
		_, err := s.api.TagsService().TagService(t.ID).Update().
			Tag(ovirtsdk.NewTagBuilder().Name(t.Name).Description(description).MustBuild()).Send()
		return err
	})
}

// DeleteTag removes a tag from the engine and all machines. One that is gone is
// fine.
func (c *Client) DeleteTag(ctx context.Context, t Tag) error {
	return gone(c.read(ctx, "delete tag "+t.Name, func(s *session) error {
		return s.lib.RemoveTag(ovirtclient.TagID(t.ID), once()...)
	}))
}

// VMTags returns the names of a machine's tags.
func (c *Client) VMTags(ctx context.Context, vmID string) ([]string, error) {
	return ask(ctx, c, "list tags of virtual machine", func(s *session) ([]string, error) {
		var out []string
		resp, err := s.api.VmsService().VmService(vmID).TagsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Tags(); ok {
			for _, t := range list.Slice() {
				if name, ok := t.Name(); ok {
					out = append(out, name)
				}
			}
		}
		return out, nil
	})
}

// TagVM puts a tag on a machine. Doing so twice is the same as once.
func (c *Client) TagVM(ctx context.Context, vm VM, tag Tag) error {
	return c.read(ctx, "tag virtual machine "+vm.Name, func(s *session) error {
		return s.lib.AddTagToVM(ovirtclient.VMID(vm.ID), ovirtclient.TagID(tag.ID), once()...)
	})
}
