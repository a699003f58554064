package agent

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/live"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// Names that machines which are prepared for a cluster know.
const (
	configISO = "agentconfig.noarch.iso"

	unconfiguredIgnition = "unconfigured-agent.ign"
)

// ConfigImage is the command agent create config-image: it makes the medium that brings a
// machine with an unconfigured image into the cluster.
func ConfigImage(ctx context.Context, e *install.Env, o ImageOptions) error {
	return withImage(ctx, e, o, func(image assets.AgentImage) error {
		packed, err := configuration(image)
		if err != nil {
			return err
		}
		target := e.Path(configISO)
		err = replace(target, func(name string) error {
			return iso.WriteVolume(name, agent.ConfigLabel, map[string][]byte{agent.ConfigArchive: packed})
		})
		if err != nil {
			return fmt.Errorf("make %s: %w", target, err)
		}
		event.Info(e.Sink, "Generated ISO at "+target)
		sayMade(e, image, "Config-Image", e.Dir)
		return nil
	})
}

// configuration is an archive of the files that machines get.
func configuration(image assets.AgentImage) ([]byte, error) {
	files, err := live.Configuration(image.Live)
	if err != nil {
		return nil, err
	}
	archive := &initrd.Plain{}
	for _, f := range files {
		if err := archive.AddBytes(strings.TrimPrefix(f.Path, "/"), f.Mode, f.Data); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = archive.WriteTo(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// Unconfigured is the command agent create unconfigured-ignition: it makes what machines boot
// before it is known which cluster they will be of.
func Unconfigured(ctx context.Context, e *install.Env, o ImageOptions) error {
	return withImage(ctx, e, o, func(image assets.AgentImage) error {
		config, err := live.Unconfigured(image.Live)
		if err != nil {
			return err
		}
		target := e.Path(unconfiguredIgnition)
		if err := atomicfile.Write(target, config, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", target, err)
		}
		if o.ISO {
			if err := unconfiguredISO(ctx, e, o, image, config); err != nil {
				return err
			}
		}
		event.Info(e.Sink, "Unconfigured-Ignition created in: "+e.Dir)
		return nil
	})
}

func unconfiguredISO(
	ctx context.Context, e *install.Env, o ImageOptions, image assets.AgentImage, config []byte,
) error {
	parts, err := archives(o.Program, rpmArch(image), config)
	if err != nil {
		return err
	}
	from, err := base{Env: e, sink: e.Sink, image: image}.find(ctx)
	if err != nil {
		return err
	}
	event.ProgressOf(e.Sink, "writing the image")
	target := e.Path("unconfigured-agent." + rpmArch(image) + ".iso")
	if err := full(ctx, from, target, parts); err != nil {
		return fmt.Errorf("make %s: %w", target, err)
	}
	event.Info(e.Sink, "Generated ISO at "+target)
	return nil
}

// Certificates is the command agent create certificates: the next image has new ones, so that
// nobody with an older image can register.
func Certificates(_ context.Context, e *install.Env, o Options) error {
	o.AgentBased = true
	inst, err := e.Open(o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := inst.RenewAgentAccess(); err != nil {
		return err
	}
	event.Info(e.Sink, "The next image has new certificates and tokens: make it with "+e.Quoted("agent create image")+
		" and boot all hosts from it")
	return nil
}
