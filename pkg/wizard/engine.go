package wizard

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/secret"
)

// engine logs in with the login that is kept, or with one that is asked for.
func (w *wizard) engine(ctx context.Context) (*ovirt.Client, error) {
	path := ovirt.ConfigPath(w.Getenv)
	kept, err := ovirt.LoadConfig(path)
	if _, missing := os.Stat(path); errors.Is(missing, os.ErrNotExist) {
		return w.newLogin(ctx, path, ovirt.Config{})
	}
	if err == nil {
		var client *ovirt.Client
		if client, err = w.dial(ctx, kept); err == nil {
			event.Info(w.Sink, "Using the engine login in "+path)
			return client, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	event.Warn(w.Sink, "The engine login in "+path+" cannot be used: "+reason(err))
	again, asked := w.Ask.Confirm(ctx, Question{Message: "Enter another login?"}, true)
	switch {
	case asked != nil:
		return nil, asked
	case !again:
		return nil, err
	}
	return w.newLogin(ctx, path, kept)
}

// newLogin asks until the engine lets us in.
func (w *wizard) newLogin(ctx context.Context, path string, preset ovirt.Config) (*ovirt.Client, error) {
	cfg := ovirt.Config{URL: preset.URL, Username: preset.Username}
	for known := false; ; {
		if !known {
			if err := w.whereabouts(ctx, &cfg); err != nil {
				return nil, err
			}
		}
		if err := w.account(ctx, &cfg); err != nil {
			return nil, err
		}
		client, err := w.dial(ctx, cfg)
		if err == nil {
			save, err := w.Ask.Confirm(ctx, Question{"Save the engine login to " + path + "?",
				"Other commands, such as destroy cluster, read it there. The file holds the password and is " +
					"readable by you alone."}, true)
			w.login = &Login{Config: cfg, Path: path, Save: save}
			return client, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		event.Warn(w.Sink, "The engine does not let us in: "+reason(err))
		known = ovirt.Is(err, ovirt.BadLogin)
	}
}

// reason is an error without advice about files: the next question is the advice.
func reason(err error) string {
	var refused *ovirt.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return refused.Error()
}

// dial is impatient: somebody waits, and can be told what is wrong.
func (w *wizard) dial(ctx context.Context, cfg ovirt.Config) (*ovirt.Client, error) {
	w.Hide(cfg.Password)
	event.Info(w.Sink, "Logging in to "+secret.URL(cfg.URL))
	return ovirt.Dial(ctx, cfg, ovirt.Options{Clock: w.Clock, Poll: time.Second, Tries: 2, CallLimit: 30 * time.Second})
}

// whereabouts asks where the engine is and makes sure that it is the engine.
func (w *wizard) whereabouts(ctx context.Context, cfg *ovirt.Config) error {
	for {
		_, err := w.Ask.Input(ctx, Question{"Engine URL",
			"Like https://engine.example.org/ovirt-engine/api; the host's name is enough."}, cfg.URL,
			func(answer string) error {
				var err error
				cfg.URL, err = engineURL(answer)
				return err
			})
		if err != nil {
			return err
		}
		cfg.CABundle, err = w.trust(ctx, cfg.URL)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var unreachable *unreachableError
		if !errors.As(err, &unreachable) {
			return err
		}
		event.Warn(w.Sink, err.Error())
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

func (w *wizard) account(ctx context.Context, cfg *ovirt.Config) error {
	preset := cfg.Username
	if preset == "" {
		preset = "admin@internal"
	}
	user, err := w.Ask.Input(ctx, Question{"Engine Username",
		"With the profile, like admin@internal, or admin@ovirt@internalsso on engines with Keycloak."}, preset,
		func(answer string) error {
			if i := strings.LastIndex(answer, "@"); i <= 0 || i == len(answer)-1 {
				return errors.New("must be user@profile, like admin@internal")
			}
			return nil
		})
	if err != nil {
		return err
	}
	password, err := w.Ask.Secret(ctx, Question{"Engine Password", ""}, func(s secret.String) error {
		if s.IsZero() {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.Hide(password)
	cfg.Username, cfg.Password = user, password
	return nil
}
