package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// Where the node agent and the hook that installs it are in the initramfs.
const (
	programPath = "okd-agent/okd-install"
	hookPath    = "usr/lib/dracut/hooks/pre-pivot/90-okd-agent.sh"
	configPath  = "config.ign"
)

// ImageOptions are the flags of the commands that make images.
type ImageOptions struct {
	Options
	// Program is the node agent, if this program does not run on the hosts.
	Program string
	// ISO makes an image besides an Ignition config.
	ISO bool
}

// Image is the command agent create image: it makes the ISO that all hosts boot.
func Image(ctx context.Context, e *install.Env, o ImageOptions) error {
	return withImage(ctx, e, o, func(image assets.AgentImage) error {
		whole := image.Agent == nil || !image.Agent.MinimalISO
		target, err := ISO{Program: o.Program, Minimal: !whole}.Make(ctx, e, e.Sink, image)
		if err != nil {
			return err
		}
		event.Info(e.Sink, "Generated ISO at "+target)
		sayMade(e, image, "Image", e.Dir)
		return nil
	})
}

// ISO is how the image that all hosts boot is made.
type ISO struct {
	// Program is the node agent, if this program does not run on the hosts.
	Program string
	// Minimal leaves the root file system out: hosts fetch it from bootArtifactsBaseURL.
	Minimal bool
	// InMemory makes the hosts let go of the medium as soon as they have started, so that it can be ejected.
	InMemory bool
}

// Make makes it in the directory of the installation, and returns its path.
func (o ISO) Make(ctx context.Context, e *install.Env, sink event.Sink, image assets.AgentImage) (string, error) {
	parts, err := configured(o.Program, image)
	if err != nil {
		return "", err
	}
	from, err := base{Env: e, image: image, sink: sink}.find(ctx)
	if err != nil {
		return "", err
	}
	event.ProgressOf(sink, "writing the image")
	target := e.Path("agent." + rpmArch(image) + ".iso")
	var kargs []string
	if o.InMemory {
		kargs = []string{inMemory}
	}
	if o.Minimal {
		err = minimal(ctx, e, image, from, target, embed(parts, kargs...))
	} else {
		err = full(ctx, from, target, parts, kargs...)
	}
	if err != nil {
		return "", fmt.Errorf("make %s: %w", target, err)
	}
	return target, nil
}

// inMemory makes a live system of CoreOS copy its root to memory.
const inMemory = "coreos.liveiso.fromram"

// embed puts archives and kernel arguments into an image.
func embed(parts []iso.Part, kargs ...string) func(*iso.Image) error {
	return func(i *iso.Image) error {
		i.AllowGrowth()
		if err := i.SetArchives(parts...); err != nil || len(kargs) == 0 {
			return err
		}
		current, err := i.Kargs()
		if err != nil {
			return err
		}
		changed, _, err := iso.KargsChange{Append: kargs}.Apply(current)
		if err != nil {
			return err
		}
		return i.SetKargs(changed)
	}
}

// full makes an image with all that hosts need.
func full(ctx context.Context, from, target string, parts []iso.Part, kargs ...string) error {
	return replace(target, func(name string) error { return iso.Edit(ctx, from, name, nil, embed(parts, kargs...)) })
}

// minimal makes an image without the root file system, which it writes beside it: hosts fetch
// it from bootArtifactsBaseURL.
func minimal(
	ctx context.Context, e *install.Env, image assets.AgentImage, from, target string, embed func(*iso.Image) error,
) error {
	file := "agent." + rpmArch(image) + "-rootfs.img"
	url := strings.TrimRight(image.Agent.BootArtifactsBaseURL, "/") + "/" + file
	return replace(target, func(name string) error {
		err := exchange(e.Path(bootDir), func(dir string) error {
			return iso.ExtractMinimal(ctx, from, name, iso.Minimal{
				RootfsURL: url, Rootfs: filepath.Join(dir, file), Change: embed,
			})
		})
		if err == nil {
			event.Info(e.Sink, "Hosts fetch "+url+": put "+filepath.Join(e.Path(bootDir), file)+" there before they boot")
		}
		return err
	})
}

// sayMade says what was made, and what to do with it.
func sayMade(e *install.Env, image assets.AgentImage, what, dir string) {
	event.Info(e.Sink, "The rendezvous host IP (node0 IP) is "+image.Rendezvous.String())
	event.Info(e.Sink, what+" created in: "+dir+" and "+e.Path("auth"))
	event.Info(e.Sink, "Hosts can register until "+image.Access.Expires.Format(time.RFC3339)+
		"; boot all of them before, then run "+e.Quoted("agent wait-for install-complete"))
}

// withImage settles the release and makes the assets of an image, with the directory locked.
func withImage(ctx context.Context, e *install.Env, o ImageOptions, do func(assets.AgentImage) error) error {
	o.AgentBased = true
	inst, err := e.Open(o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := inst.TakeGiven(ctx); err != nil {
		return explain(e, err)
	}
	if err := releases.Pin(ctx, e, o.Release, inst, true); err != nil {
		return recode(e, err)
	}
	image, err := inst.AgentImage(ctx)
	if err != nil {
		return explain(e, err)
	}
	e.Hide(image.Config.Secrets()...)
	e.Hide(image.Access.Token)
	return do(image)
}

// configured are the archives of an image for one cluster.
func configured(named string, image assets.AgentImage) ([]iso.Part, error) {
	config, err := live.Ignition(image.Live)
	if err != nil {
		return nil, err
	}
	return archives(named, rpmArch(image), config)
}

// archives are what the initramfs gets besides what it has: the node agent, and the Ignition
// config.
func archives(named, arch string, config []byte) ([]iso.Part, error) {
	path, err := program(named, arch)
	if err != nil {
		return nil, err
	}
	hook, err := live.Hook()
	if err != nil {
		return nil, err
	}
	agent := &initrd.Plain{}
	if err := agent.AddFile(programPath, 0o755, path); err != nil {
		return nil, fmt.Errorf("add the node agent: %w", err)
	}
	if err := agent.AddBytes(hookPath, 0o755, hook); err != nil {
		return nil, fmt.Errorf("add the hook: %w", err)
	}
	second := &initrd.Archive{}
	second.Set(configPath, config)
	packed, err := second.Gzip()
	if err != nil {
		return nil, err
	}
	return []iso.Part{agent, iso.Bytes(packed)}, nil
}

// replace lets write make a new file, which then takes the place of the one at target.
func replace(target string, write func(name string) error) error {
	next := filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".new")
	if err := gone(next); err != nil { // of a run that was killed
		return err
	}
	if err := write(next); err != nil {
		return err
	}
	if err := os.Rename(next, target); err != nil {
		return errors.Join(err, gone(next))
	}
	return nil
}

func gone(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
