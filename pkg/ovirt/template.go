package ovirt

import (
	"context"
	"time"

	sdk "github.com/ovirt/go-ovirt"
)

// States of a disk or template.
const (
	OK      = "ok"
	Illegal = "illegal" // the engine failed to make it
)

// usable is the check of a wait for a disk or template.
func usable(what, status string) (ok bool, why string, err error) {
	if status == Illegal {
		return false, "", &Error{Op: "use " + what, Kind: Refused, Detail: "it is illegal"}
	}
	return status == OK, what + " is " + status, nil
}

// Template is what machines are cloned from.
type Template struct {
	ID, Name, Description string
	Status, OSType        string
}

// FindTemplate returns the template of that name, nil if there is none.
func (c *Client) FindTemplate(ctx context.Context, name string) (*Template, error) {
	found, err := call(ctx, c, "search template "+name, repeatable, func(e *engine) *sdk.TemplatesServiceListRequest {
		return e.TemplatesService().List().Search("name=" + name)
	}, all((*sdk.TemplatesServiceListResponse).Templates, templateFrom))
	return first(found, func(t Template) bool { return t.Name == name }), err
}

// GetTemplate returns the template with that ID.
func (c *Client) GetTemplate(ctx context.Context, id string) (Template, error) {
	return call(ctx, c, "read template "+id, repeatable, func(e *engine) *sdk.TemplateServiceGetRequest {
		return e.TemplatesService().TemplateService(id).Get()
	}, one((*sdk.TemplateServiceGetResponse).Template, templateFrom))
}

func templateFrom(t *sdk.Template) Template {
	return Template{
		ID: val(t.Id()), Name: val(t.Name()), Description: val(t.Description()),
		Status: string(val(t.Status())), OSType: val(part(t.Os()).Type()),
	}
}

// CreateTemplate makes a template of a machine; it is locked while disks are copied.
func (c *Client) CreateTemplate(ctx context.Context, vmID, name, description string) (Template, error) {
	return call(ctx, c, "create template "+name, single, func(e *engine) *sdk.TemplatesServiceAddRequest {
		return e.TemplatesService().Add().Template(sdk.NewTemplateBuilder().Name(name).Description(description).
			VmBuilder(sdk.NewVmBuilder().Id(vmID)).MustBuild())
	}, one((*sdk.TemplatesServiceAddResponse).Template, templateFrom))
}

// WaitTemplate waits until a template is ok.
func (c *Client) WaitTemplate(ctx context.Context, id string, limit time.Duration) (Template, error) {
	return until(ctx, c, limit, "template to be ok", c.GetTemplate, id, func(t Template) (bool, string, error) {
		return usable("template "+t.Name, t.Status)
	})
}

// TemplateDisks lists the disks of a template.
func (c *Client) TemplateDisks(ctx context.Context, id string) ([]Attachment, error) {
	const op = "list disks of template"
	return call(ctx, c, op, repeatable, func(e *engine) *sdk.TemplateDiskAttachmentsServiceListRequest {
		return e.TemplatesService().TemplateService(id).DiskAttachmentsService().List()
	}, all((*sdk.TemplateDiskAttachmentsServiceListResponse).Attachments, attachmentFrom))
}

// DeleteTemplate removes a template with its disks. One that is gone is fine.
func (c *Client) DeleteTemplate(ctx context.Context, t Template) error {
	op := "delete template " + t.Name
	return gone(order(ctx, c, op, repeatable, func(e *engine) *sdk.TemplateServiceRemoveRequest {
		return e.TemplatesService().TemplateService(t.ID).Remove()
	}))
}
