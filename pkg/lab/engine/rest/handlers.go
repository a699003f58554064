package rest

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// Find returns the object that the path parameter id names.
func Find[T any](c *Call, all map[string]*T) (*T, error) {
	if object := all[c.ID("id")]; object != nil {
		return object, nil
	}
	return nil, refuse.NotFound()
}

// Show answers with the document of one object.
func Show[T, D any](find func(*Call) (T, error), document func(*Call, T) D) Handler {
	return func(c *Call) (any, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		return document(c, object), nil
	}
}

// Collection answers with the documents of those of all objects that the
// request's search finds.
func Collection[T, D any](
	name string, all func(*Call) ([]*T, error), fields func(*Call, *T) search.Fields, document func(*Call, *T) D,
) Handler {
	return func(c *Call) (any, error) {
		objects, err := all(c)
		if err != nil {
			return nil, err
		}
		found, err := matching(c, objects, fields)
		if err != nil {
			return nil, err
		}
		list := api.List[D]{Name: name}
		for _, object := range found {
			list.Items = append(list.Items, document(c, object))
		}
		return list, nil
	}
}

// Parts answers with the documents of the parts of one object.
func Parts[T, D any](name string, find func(*Call) (T, error), documents func(*Call, T) []D) Handler {
	return func(c *Call) (any, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		return api.List[D]{Name: name, Items: documents(c, object)}, nil
	}
}

// Part answers with the document of the part that a path parameter names.
func Part[T any, D api.Identified](
	parameter string, find func(*Call) (T, error), documents func(*Call, T) []D,
) Handler {
	return func(c *Call) (any, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		return Pick(documents(c, object), c.ID(parameter))
	}
}

// Pick returns the document of that ID.
func Pick[D api.Identified](documents []D, id string) (any, error) {
	for _, d := range documents {
		if d.Identity() == id {
			return d, nil
		}
	}
	return nil, refuse.NotFound()
}

// Create reads the request's document and answers with what do returns.
func Create[D any](do func(*Call, *D) (any, error)) Handler {
	return func(c *Call) (any, error) {
		var in D
		if err := c.read(&in); err != nil {
			return nil, err
		}
		return do(c, &in)
	}
}

// Change finds an object, reads the request's document, and answers with what do
// returns.
func Change[T, D any](find func(*Call) (T, error), do func(*Call, T, *D) (any, error)) Handler {
	return func(c *Call) (any, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		var in D
		if err := c.read(&in); err != nil {
			return nil, err
		}
		return do(c, object, &in)
	}
}

// Act finds an object and answers with what do returns.
func Act[T any](find func(*Call) (T, error), do func(*Call, T) (any, error)) Handler {
	return func(c *Call) (any, error) {
		object, err := find(c)
		if err != nil {
			return nil, err
		}
		return do(c, object)
	}
}
