package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
)

func stateCommand(r *root) *cobra.Command {
	var file string
	rekey := &cobra.Command{Use: "rekey", Short: "Encrypt the state with another key",
		Long: "Encrypts the state, which holds every key and password of the cluster, with a new\npassphrase or " +
			"age identity. If it is encrypted already, the old one is needed too.",
		Example: `  okd-install state rekey --dir mycluster --new-passphrase-file new.txt
  okd-install state rekey --dir mycluster --state-passphrase-file old.txt --new-passphrase-file new.txt`}
	r.run(rekey, r.resume, func(_ context.Context, env *install.Env) error { return install.Rekey(env, file) })
	rekey.Flags().StringVar(&file, "new-passphrase-file", "", "file with the new passphrase or age identity")
	if err := rekey.MarkFlagRequired("new-passphrase-file"); err != nil {
		panic(err)
	}
	decrypt := &cobra.Command{Use: "decrypt", Short: "Keep the state in plain text again",
		Long:    "Writes the state without encryption. No other command does that.",
		Example: "  okd-install state decrypt --dir mycluster --state-passphrase-file key.txt"}
	r.run(decrypt, r.resume, func(_ context.Context, env *install.Env) error { return install.Decrypt(env) })
	return group("state", "Change how the state of an installation is kept", rekey, decrypt)
}
