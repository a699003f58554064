package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// feature is something that is not in the help because few people need it.
type feature struct{ name, use string }

// hiddenFeatures are what people and pipelines of the reference use beside its
// documented flags.
var hiddenFeatures = []feature{
	{"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE", "install this release instead of the one built in"},
	{"OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE", "start machines from this image (URL) or template (name)"},
	{"OPENSHIFT_INSTALL_INVOKER", "who installs, for the ConfigMaps that record it"},
	{"OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP", "if not empty, leave the bootstrap host when the masters have taken over"},
	{"OPENSHIFT_INSTALL_GATHER_BOOTSTRAP", "if not empty, make a log bundle of a bootstrap that went well too"},
	{"OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP", "the address of the bootstrap host"},
	{"OPENSHIFT_INSTALL_EXPERIMENTAL_CLUSTER_PROFILE", "the cluster profile of the release's manifests"},
	{"OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION", "if not empty, allow fips: true on a machine that is not in FIPS mode"},
	{"OPENSHIFT_INSTALL_LOAD_CLUSTER_CERTS", "if true, take authorities that are in tls/ instead of making them"},
	{"create permissions-policy", "for clouds; says that there is none for these platforms"},
}

func hiddenCommand(r *root) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "list-hidden-features", Short: "List features that the help does not show", Hidden: true, Args: noArguments,
		Example: "  okd-install list-hidden-features --json",
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				names := make([]string, len(hiddenFeatures))
				for i, f := range hiddenFeatures {
					names[i] = f.name
				}
				return json.NewEncoder(r.streams.out).Encode(names)
			}
			for _, f := range hiddenFeatures {
				if _, err := fmt.Fprintf(r.streams.out, "%-48s %s\n", f.name, f.use); err != nil {
					return err
				}
			}
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "print the names as a JSON list")
	return c
}
