package main

import (
	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/install"
)

func stateCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "state", Short: "Change how the state of an installation is kept", Args: noArguments,
		RunE: help}
	var file string
	rekey := &cobra.Command{Use: "rekey", Short: "Encrypt the state with another key", Args: noArguments,
		Long: "Encrypts the state, which holds every key and password of the cluster, with a new\npassphrase or " +
			"age identity. The old one is needed if it is encrypted already.",
		Example: `  okd-install state rekey --dir mycluster --new-passphrase-file new.txt
  okd-install state rekey --dir mycluster --state-passphrase-file old.txt --new-passphrase-file new.txt`,
		RunE: func(*cobra.Command, []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return install.Rekey(env, file)
		}}
	rekey.Flags().StringVar(&file, "new-passphrase-file", "", "file with the new passphrase or age identity")
	if err := rekey.MarkFlagRequired("new-passphrase-file"); err != nil {
		panic(err)
	}
	decrypt := &cobra.Command{Use: "decrypt", Short: "Keep the state in plain text again", Args: noArguments,
		Long:    "Writes the state without encryption. Commands do so only if they are told to, here.",
		Example: "  okd-install state decrypt --dir mycluster --state-passphrase-file key.txt",
		RunE: func(*cobra.Command, []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return install.Decrypt(env)
		}}
	c.AddCommand(rekey, decrypt)
	return c
}
