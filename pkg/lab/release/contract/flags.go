package contract

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"
)

// switches are flags without a value; the list of flags does not tell.
var switches = []string{"disable-phase-2", "pretty", "strict", "skip-api-rendering", "tear-down-early"}

// Flags makes the flags of a command such as "cluster-etcd-operator render".
func Flags(command string) *pflag.FlagSet { return pflag.NewFlagSet(command, pflag.ContinueOnError) }

// ofRelease are the flags of the release: those that it lacks are left out, those
// that the program lacks have no effect. An unlisted command keeps its own.
func ofRelease(own *pflag.FlagSet) (*pflag.FlagSet, error) {
	release, err := Of(Version())
	if err != nil {
		return nil, err
	}
	all, err := known()
	if err != nil {
		return nil, err
	}
	c, ok := all[release][own.Name()]
	if !ok {
		return own, nil
	}
	out := Flags(own.Name())
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

// Parse reads the arguments of a command, which are all flags. Required ones must
// have a value; those that the release lacks are errors. The error is pflag.ErrHelp
// if --help was answered.
func Parse(own *pflag.FlagSet, args []string, required ...string) error {
	rest, err := ParseWithArguments(own, args, required...)
	if err == nil && len(rest) > 0 {
		return fmt.Errorf("%s: unexpected argument %q", own.Name(), rest[0])
	}
	return err
}

// ParseWithArguments is Parse for a command with other arguments, which it returns.
func ParseWithArguments(own *pflag.FlagSet, args []string, required ...string) ([]string, error) {
	f, err := ofRelease(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", own.Name(), err)
	}
	f.SetOutput(io.Discard)
	f.Usage = func() { fmt.Fprintf(os.Stdout, "Usage:\n  %s [flags]\n\nFlags:\n%s", f.Name(), f.FlagUsages()) }
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var missing []error
	for _, n := range required {
		if fl := f.Lookup(n); fl == nil || fl.Value.String() == "" {
			missing = append(missing, fmt.Errorf("--%s is required", n))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %w", f.Name(), errors.Join(missing...))
	}
	return f.Args(), nil
}
