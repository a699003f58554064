package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/machines"
)

// choice is a flag with one of a few values, which its help lists.
type choice[T ~string] struct {
	value *T
	from  []T
}

// Set implements pflag.Value.
func (c choice[T]) Set(text string) error {
	if !slices.Contains(c.from, T(text)) {
		return errors.New("choose " + alternatives(c.from))
	}
	*c.value = T(text)
	return nil
}

// String implements pflag.Value.
func (c choice[T]) String() string {
	if c.value == nil { // pflag asks a zero value
		return ""
	}
	return string(*c.value)
}

// Type implements pflag.Value.
func (c choice[T]) Type() string { return "string" }

// alternatives lists values as in "text, json or dot".
func alternatives[T ~string](list []T) string {
	text := string(list[0])
	for i, v := range list[1:] {
		if i == len(list)-2 {
			text += " or " + string(v)
		} else {
			text += ", " + string(v)
		}
	}
	return text
}

// outputFlag chooses the form of what a command prints, the first of forms by default.
func outputFlag[T ~string](c *cobra.Command, of string, value *T, forms ...T) {
	*value = forms[0]
	var names []string
	for _, f := range forms {
		names = append(names, string(f))
	}
	c.Flags().VarP(choice[T]{value, forms}, "output", "o", "form of the "+of+" ("+strings.Join(names, ", ")+")")
}

// handedOverFlag is the user's word where nothing proves whether there is a cluster that could be harmed.
func handedOverFlag(c *cobra.Command, answer *handoff.Answer) {
	c.Flags().Var(choice[handoff.Answer]{answer, []handoff.Answer{handoff.Yes, handoff.No}}, "handed-over",
		"where nothing proves it: whether the masters have taken over from the bootstrap host (yes, no)")
}

// hostFlags are for commands that start hosts through their BMCs.
func hostFlags(f *pflag.FlagSet, media *machines.Media, take *bool, parallel *int, program *string) {
	f.StringVar(&media.Address, "media-address", "", "address of this machine, with or without a port, from which BMCs "+
		"read the image; http:// in front of it allows to read it, and the secrets of the cluster in it, without "+
		"encryption (default: the one that reaches the BMC, over HTTPS)")
	f.StringVar(&media.URL, "media-url", "", "where BMCs read the image, on a server that you put it on (default: this "+
		"machine serves it)")
	f.BoolVar(take, "take-running-hosts", false, "start hosts anew that are on although nothing shows that "+
		"they are not in use; what is on their disks is lost")
	f.IntVar(parallel, "concurrency", 0, "how many hosts with a BMC are started at once; fewer if your power or the "+
		"network to the image is short (default: 512, switched on 10 ms apart)")
	f.StringVar(program, "agent-binary", "", "file of the okd-install that runs on hosts with a BMC, if this one "+
		"is for another system or processor")
}

// timeoutFlag is for commands that go through phases.
func timeoutFlag(c *cobra.Command, limit *time.Duration) {
	c.Flags().DurationVar(limit, "timeout", 0,
		"how long a phase may go on without any progress, as in 90s or 1h (default: each phase's own)")
}

// editedFlags decide about files of the user's: edited ones, and an install-config.yaml of another version.
func editedFlags(c *cobra.Command, o *install.Opening) {
	f := c.Flags()
	keep := f.Bool("keep-edited", false, "keep files that you edited although what they were made from changed")
	f.BoolVar(&o.AllowUnknown, "allow-unknown-fields", false,
		"warn about keys of install-config.yaml that are unknown, and ignore them")
	overwrite := f.Bool("overwrite-edited", false, "write such files again; your edits are lost")
	c.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case *keep && *overwrite:
			return misused(c, errors.New("--keep-edited and --overwrite-edited exclude each other"))
		case *keep:
			o.Edited = asset.Keep
		case *overwrite:
			o.Edited = asset.Overwrite
		}
		return nil
	}
}

// releaseFlags choose the release to install.
func releaseFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Want, "release", "", "OKD release to install: a version as in 5.0 or 5.0.0-okd-scos.1, "+
		"latest, or a pull spec (default: the one chosen before, else the one built in)")
	sourceFlags(c, o)
	keyFlags(c, o)
}

// sourceFlags are where releases are looked for.
func sourceFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Channel, "channel", "", "channel of the update service to choose from, as in "+
		"candidate-5.0 (default: the stable ones)")
	c.Flags().StringVar(&o.UpdateService, "update-service", "", "URL of the update service's graph (default: "+
		"OKD_INSTALL_UPDATE_SERVICE, else OKD's own)")
	c.Flags().StringVar(&o.Repository, "release-repository", "", "repository of release images (default: "+
		"OKD_INSTALL_RELEASE_REPOSITORY, else OKD's own)")
}

// keyFlags are who may have signed a release.
func keyFlags(c *cobra.Command, o *releases.Options) {
	c.Flags().StringVar(&o.Key, "release-key", "", "file with the OpenPGP public keys of those who may sign "+
		"releases (default: OKD_INSTALL_RELEASE_KEY, else release-key.asc in the directory)")
	c.Flags().StringVar(&o.SignatureStore, "signature-store", "", "URL of the directory with the signatures (default: "+
		"OKD_INSTALL_SIGNATURE_STORE, else that of OKD's releases)")
}

// checkRelease refuses an empty name, which a script makes of an unset variable.
func checkRelease(c *cobra.Command, o releases.Options) error {
	if c.Flags().Changed("release") && o.Want == "" {
		return misused(c, errors.New("--release is empty: name a version, latest or a pull spec, or leave it out"))
	}
	return nil
}

// misusedFlag is the error of a flag that cannot be read.
func misusedFlag(c *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		err = fmt.Errorf("invalid --%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), errors.Unwrap(err))
	}
	return misused(c, err)
}
