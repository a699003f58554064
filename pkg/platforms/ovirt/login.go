package ovirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// engine logs in with the login that is kept, or with one that is asked for.
func (q *questions) engine(ctx context.Context) (*api.Client, error) {
	path := api.ConfigPath(q.Getenv)
	kept, err := api.LoadConfig(path)
	if _, missing := os.Stat(path); errors.Is(missing, os.ErrNotExist) {
		return q.newLogin(ctx, path, api.Config{})
	}
	if err == nil {
		var client *api.Client
		if client, err = q.dial(ctx, kept); err == nil {
			event.Info(q.Sink, "Using the engine login in "+path)
			return client, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	event.Warn(q.Sink, "The engine login in "+path+" cannot be used: "+err.Error())
	again, asked := q.Ask.Confirm(ctx, wizard.Question{Message: "Enter another login?"}, true)
	switch {
	case asked != nil:
		return nil, asked
	case !again:
		return nil, err
	}
	return q.newLogin(ctx, path, kept)
}

// newLogin asks until the engine lets us in.
func (q *questions) newLogin(ctx context.Context, path string, preset api.Config) (*api.Client, error) {
	cfg := api.Config{URL: preset.URL, Username: preset.Username}
	for known := false; ; {
		if !known {
			if err := q.whereabouts(ctx, &cfg); err != nil {
				return nil, err
			}
		}
		if err := q.account(ctx, &cfg); err != nil {
			return nil, err
		}
		client, err := q.dial(ctx, cfg)
		if err == nil {
			return client, q.keep(ctx, path, cfg)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		event.Warn(q.Sink, "The engine does not let us in: "+err.Error())
		known = api.Is(err, api.BadLogin)
	}
}

// keep hands out the login, and asks whether it may be saved.
func (q *questions) keep(ctx context.Context, path string, cfg api.Config) error {
	text, err := cfg.Marshal()
	if err != nil {
		return fmt.Errorf("write the engine login: %w", err)
	}
	save, err := q.Ask.Confirm(ctx, wizard.Question{Message: "Save the engine login to " + path + "?",
		Help: "Other commands, such as destroy cluster, read it there. " +
			"The file holds the password and is readable by you alone."}, true)
	q.Login = &wizard.Login{Path: path, Text: text, Save: save}
	return err
}

// dial is impatient: somebody waits, and can be told what is wrong.
func (q *questions) dial(ctx context.Context, cfg api.Config) (*api.Client, error) {
	q.Hide(cfg.Password)
	event.Info(q.Sink, "Logging in to "+secret.URL(cfg.URL))
	return api.Dial(ctx, cfg, api.Options{Clock: q.Clock, Poll: time.Second, Tries: 2, CallLimit: 30 * time.Second})
}

// whereabouts asks where the engine is and makes sure that it is the engine.
func (q *questions) whereabouts(ctx context.Context, cfg *api.Config) error {
	for {
		_, err := q.Ask.Input(ctx, wizard.Question{Message: "Engine URL",
			Help: "Like https://engine.example.org/ovirt-engine/api; the host's name is enough."}, cfg.URL,
			func(answer string) error {
				var err error
				cfg.URL, err = engineURL(answer)
				return err
			})
		if err != nil {
			return err
		}
		cfg.CABundle, err = q.trust(ctx, cfg.URL)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, errNoEngine) {
			return err
		}
		event.Warn(q.Sink, err.Error())
	}
}

// apiPath is where an engine's API is.
const apiPath = "/ovirt-engine/api"

// engineURL completes what a person enters to the URL of the API.
func engineURL(answer string) (string, error) {
	answer = strings.TrimSpace(answer)
	if !strings.Contains(answer, "://") {
		answer = "https://" + answer
	}
	u, err := url.Parse(answer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("must be a host name or a URL like https://engine.example.org" + apiPath)
	case u.Scheme != "https":
		return "", fmt.Errorf("must begin with https://, not %s://: the password would be readable on the way",
			u.Scheme)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if strings.HasPrefix(apiPath, u.Path) { // no path, or the beginning of the usual one
		u.Path = apiPath
	}
	if !strings.HasSuffix(u.Path, "/api") {
		return "", errors.New("must end in " + apiPath)
	}
	return u.String(), nil
}

func (q *questions) account(ctx context.Context, cfg *api.Config) error {
	user, err := q.Ask.Input(ctx, wizard.Question{Message: "Engine Username",
		Help: "With the profile, like admin@internal, or admin@ovirt@internalsso on engines with Keycloak."},
		cmp.Or(cfg.Username, "admin@internal"),
		func(answer string) error {
			if i := strings.LastIndex(answer, "@"); i <= 0 || i == len(answer)-1 {
				return errors.New("must be user@profile, like admin@internal")
			}
			return nil
		})
	if err != nil {
		return err
	}
	password, err := q.Ask.Secret(ctx, wizard.Question{Message: "Engine Password"}, func(s secret.String) error {
		if s.IsZero() {
			return wizard.ErrNothing
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Hide(password)
	cfg.Username, cfg.Password = user, password
	return nil
}
