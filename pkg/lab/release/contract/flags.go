package contract

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// switches are flags without a value; the list of flags does not tell.
var switches = []string{"disable-phase-2", "pretty", "strict", "skip-api-rendering", "tear-down-early"}

// flags are those of the release: what the program has and the release lacks
// is gone, what the program has no use for is accepted. A command that nothing
// is known about keeps its own.
func flags(own *pflag.FlagSet, name string) (*pflag.FlagSet, error) {
	release, err := Of(Version())
	if err != nil {
		return nil, err
	}
	all, err := known()
	if err != nil {
		return nil, err
	}
	c, ok := all[release][name]
	if !ok {
		return own, nil
	}
	out := pflag.NewFlagSet(own.Name(), pflag.ContinueOnError)
	for _, n := range c.Flags {
		f := own.Lookup(n)
		switch {
		case f != nil:
			out.AddFlag(f)
		case slices.Contains(switches, n):
			out.Bool(n, false, "accepted; has no effect in the lab's release")
		default:
			out.String(n, "", "accepted; has no effect in the lab's release")
		}
	}
	return out, nil
}

// Limit gives a command the flags that OKD's of that name has in this release,
// such as "cluster-etcd-operator render".
func Limit(c *cobra.Command, name string) *cobra.Command {
	limited, err := flags(c.Flags(), name)
	if err != nil {
		c.PreRunE = func(*cobra.Command, []string) error { return err }
		return c
	}
	c.ResetFlags()
	c.Flags().AddFlagSet(limited)
	return c
}

// Parse reads the arguments of a command that is not cobra's. Flags that are
// required must have a value, those that the release lacks are errors. The
// error is pflag.ErrHelp when --help was asked for and answered.
func Parse(own *pflag.FlagSet, name string, args []string, required ...string) error {
	f, err := flags(own, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f.SetOutput(io.Discard)
	f.Usage = func() { fmt.Fprintf(os.Stdout, "Usage:\n  %s [flags]\n\nFlags:\n%s", name, f.FlagUsages()) }
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", name, f.Arg(0))
	}
	var missing []error
	for _, n := range required {
		if fl := f.Lookup(n); fl == nil || fl.Value.String() == "" {
			missing = append(missing, fmt.Errorf("--%s is required", n))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: %w", name, errors.Join(missing...))
	}
	return nil
}
