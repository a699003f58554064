package ovirt

import (
	"context"
	"strings"
	"time"

	sdk "github.com/ovirt/go-ovirt"
)

// Template is what machines are cloned from.
type Template struct {
	ID, Name, Description string
	Status, OSType        string
}

// FindTemplate returns the template of that name, nil if there is none.
func (c *Client) FindTemplate(ctx context.Context, name string) (*Template, error) {
	resp, err := call(ctx, c, "search template "+name, repeatable, func(e *engine) *sdk.TemplatesServiceListRequest {
		return e.TemplatesService().List().Search("name=" + name)
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Templates()
	for _, t := range all(list, ok, templateFrom) {
		if t.Name == name {
			return &t, nil
		}
	}
	return nil, nil
}

// GetTemplate returns the template with that ID.
func (c *Client) GetTemplate(ctx context.Context, id string) (Template, error) {
	op := "read template " + id
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.TemplateServiceGetRequest {
		return e.TemplatesService().TemplateService(id).Get()
	})
	if err != nil {
		return Template{}, err
	}
	t, ok := resp.Template()
	return one(op, t, ok, templateFrom)
}

func templateFrom(t *sdk.Template) Template {
	out := Template{}
	out.ID, _ = t.Id()
	out.Name, _ = t.Name()
	out.Description, _ = t.Description()
	if s, ok := t.Status(); ok {
		out.Status = string(s)
	}
	if o, ok := t.Os(); ok {
		out.OSType, _ = o.Type()
	}
	return out
}

// CreateTemplate makes a template of a machine that is down. It is locked until
// the machine's disks are copied.
func (c *Client) CreateTemplate(ctx context.Context, vmID, name, description string) (Template, error) {
	op := "create template " + name
	resp, err := call(ctx, c, op, single, func(e *engine) *sdk.TemplatesServiceAddRequest {
		return e.TemplatesService().Add().Template(sdk.NewTemplateBuilder().Name(name).Description(description).
			VmBuilder(sdk.NewVmBuilder().Id(vmID)).MustBuild())
	})
	if err != nil {
		return Template{}, err
	}
	created, ok := resp.Template()
	return one(op, created, ok, templateFrom)
}

// WaitTemplate waits until a template is ok.
func (c *Client) WaitTemplate(ctx context.Context, id string, limit time.Duration) (Template, error) {
	var out Template
	err := c.wait(ctx, limit, "template to be ok", func(ctx context.Context) (bool, string, error) {
		t, err := c.GetTemplate(ctx, id)
		if err != nil {
			return false, err.Error(), permanent(err)
		}
		out = t
		if out.Status == "illegal" {
			return false, "", &Error{Op: "use template " + out.Name, Kind: Refused, Detail: "the template is illegal"}
		}
		return out.Status == "ok", "template " + out.Name + " is " + out.Status, nil
	})
	return out, err
}

// TemplateDisks lists the disks of a template.
func (c *Client) TemplateDisks(ctx context.Context, id string) ([]Attachment, error) {
	const op = "list disks of template"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.TemplateDiskAttachmentsServiceListRequest {
		return e.TemplatesService().TemplateService(id).DiskAttachmentsService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Attachments()
	return all(list, ok, attachmentFrom), nil
}

// DeleteTemplate removes a template with its disks. One that is gone is fine.
func (c *Client) DeleteTemplate(ctx context.Context, t Template) error {
	op := "delete template " + t.Name
	return gone(ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.TemplateServiceRemoveRequest {
		return e.TemplatesService().TemplateService(t.ID).Remove()
	})))
}

// hasPrefix is strings.HasPrefix for names that must be longer than the prefix.
func hasPrefix(name, prefix string) bool {
	return len(name) > len(prefix) && strings.HasPrefix(name, prefix)
}
