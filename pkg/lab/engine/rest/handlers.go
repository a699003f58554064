package rest

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// Known returns an object, or a refusal if there is none.
func Known[T any](object *T) (*T, error) {
	if object == nil {
		return nil, refuse.NotFound()
	}
	return object, nil
}

// Parts answers with the documents of the parts of one object.
func Parts[T any](name string, find func(*Call) (T, error), documents func(*Call, T) []*api.Element) Handler {
	return Act(find, func(c *Call, object T) (*api.Element, error) {
		return api.New(name).Add(documents(c, object)...), nil
	})
}

// Part answers with the document of the part that a path parameter names.
func Part[T any](parameter string, find func(*Call) (T, error), documents func(*Call, T) []*api.Element) Handler {
	return Act(find, func(c *Call, object T) (*api.Element, error) {
		return Pick(documents(c, object), c.ID(parameter))
	})
}

// Pick returns the document of that ID.
func Pick(documents []*api.Element, id string) (*api.Element, error) {
	return Known(model.Find(documents, func(d *api.Element) bool { return d.ID() == id }))
}

// Create reads the request's document and answers with what do returns.
func Create[D any](do func(*Call, *D) (*api.Element, error)) Handler {
	return func(c *Call) (*api.Element, error) {
		var in D
		if err := c.read(&in); err != nil {
			return nil, err
		}
		return do(c, &in)
	}
}

// Change finds an object, reads the request's document, and answers with what do
// returns.
func Change[T, D any](find func(*Call) (T, error), do func(*Call, T, *D) (*api.Element, error)) Handler {
	return Act(find, func(c *Call, object T) (*api.Element, error) {
		return Create(func(c *Call, in *D) (*api.Element, error) { return do(c, object, in) })(c)
	})
}

// Act finds an object and answers with what do returns.
func Act[T any](find func(*Call) (T, error), do func(*Call, T) (*api.Element, error)) Handler {
	return func(c *Call) (*api.Element, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		return do(c, object)
	}
}
