package install

import (
	"context"
	"errors"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// password is that of a controller which neither the state nor install-config.yaml has: what a platform finds by the
// environment, or what the person at the terminal answers.
func (e *Env) password(address, user string) (secret.String, error) {
	for _, p := range e.Platforms {
		if p.Machines.Password == nil {
			continue
		}
		if found, err := p.Machines.Password(e.Getenv, address); err != nil || !found.IsZero() {
			e.Hide(found)
			return found, err
		}
	}
	if e.Asker == nil {
		return secret.String{}, exit.New("put "+ConfigFile+" back into "+e.Path(".")+", or name a file with the logins of "+
			"the BMCs in OKD_INSTALL_BMC_LOGINS, or run the command on a terminal, where it asks for them",
			"the password of BMC %s is not known: it is not in the state, which is not encrypted", address)
	}
	question := wizard.Question{Message: "Password of " + user + " at BMC " + address,
		Help: "It is not kept. " + ConfigFile + " in the directory, or a file that OKD_INSTALL_BMC_LOGINS names, " +
			"would have it."}
	answer, err := e.Asker.Secret(context.Background(), question, func(answer secret.String) error {
		if answer.IsZero() {
			return errors.New("a password is needed")
		}
		return nil
	})
	e.Hide(answer)
	return answer, err
}
