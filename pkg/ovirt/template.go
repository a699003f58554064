package ovirt

import (
	"context"
	"strings"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// Template is what machines are cloned from.
type Template struct {
	ID, Name, Description string
	Status, OSType        string
}

// FindTemplate returns the template of that name, nil if there is none.
func (c *Client) FindTemplate(ctx context.Context, name string) (*Template, error) {
	return ask(ctx, c, "search template "+name, func(s *session) (*Template, error) {
		var out *Template
		resp, err := s.api.TemplatesService().List().Search("name=" + name).Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Templates(); ok {
			for _, t := range list.Slice() {
				if got := templateFrom(t); got.Name == name {
					out = &got
					break
				}
			}
		}
		return out, nil
	})
}

// GetTemplate returns the template with that ID.
func (c *Client) GetTemplate(ctx context.Context, id string) (Template, error) {
	return ask(ctx, c, "read template "+id, func(s *session) (Template, error) {
		resp, err := s.api.TemplatesService().TemplateService(id).Get().Send()
		if err != nil {
			return Template{}, err
		}
		t, ok := resp.Template()
		if !ok {
			return Template{}, &Error{Op: "read template " + id, Kind: Broken, Detail: "the answer holds no template"}
		}
		return templateFrom(t), nil
	})
}

func templateFrom(t *ovirtsdk.Template) Template {
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
	return send(ctx, c, op, func(s *session) (Template, error) {
		var out Template
		t := ovirtsdk.NewTemplateBuilder().Name(name).Description(description).
			VmBuilder(ovirtsdk.NewVmBuilder().Id(vmID)).MustBuild()
		resp, err := s.api.TemplatesService().Add().Template(t).Send()
		if err != nil {
			return out, err
		}
		created, ok := resp.Template()
		if !ok {
			return out, &Error{Op: op, Kind: Broken, Detail: "the answer holds no template"}
		}
		out = templateFrom(created)
		return out, nil
	})
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
	return ask(ctx, c, "list disks of template", func(s *session) ([]Attachment, error) {
		var out []Attachment
		resp, err := s.api.TemplatesService().TemplateService(id).DiskAttachmentsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Attachments(); ok {
			for _, a := range list.Slice() {
				one := Attachment{}
				if d, ok := a.Disk(); ok {
					one.DiskID, _ = d.Id()
				} else {
					one.DiskID, _ = a.Id()
				}
				one.Bootable, _ = a.Bootable()
				out = append(out, one)
			}
		}
		return out, nil
	})
}

// DeleteTemplate removes a template with its disks. One that is gone is fine.
func (c *Client) DeleteTemplate(ctx context.Context, t Template) error {
	return gone(c.read(ctx, "delete template "+t.Name, func(s *session) error {
		_, err := s.api.TemplatesService().TemplateService(t.ID).Remove().Send()
		return err
	}))
}

// hasPrefix is strings.HasPrefix for names that must be longer than the prefix.
func hasPrefix(name, prefix string) bool {
	return len(name) > len(prefix) && strings.HasPrefix(name, prefix)
}
