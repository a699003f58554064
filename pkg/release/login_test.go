package release_test

import "github.com/google/go-containerregistry/pkg/authn"

// basic is the login of the test registry.
type basic struct{}

func (basic) Authorization() (*authn.AuthConfig, error) {
	return &authn.AuthConfig{Username: user, Password: password}, nil
}
