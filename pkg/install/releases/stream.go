package releases

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/release"
)

// PrintStream is the command coreos print-stream-json: it prints the CoreOS stream of the release that would be
// installed. It asks the registry only for a release that it has not seen before.
func PrintStream(ctx context.Context, e *install.Env) error {
	f := finder{Env: e}
	image, err := f.currentRelease()
	if err != nil {
		return f.Explain(err)
	}
	if image == "" {
		return f.Explain(fmt.Errorf("print the CoreOS stream: %w", assets.ErrNoReleaseImage))
	}
	known := osimage.Streams{Dir: osimage.CacheDir(f.Getenv)}
	data, err := known.Get(image)
	if err != nil {
		data, err = f.streamOf(ctx, image)
		if err != nil {
			return fmt.Errorf("print the CoreOS stream: %w", err)
		}
		_ = known.Put(image, data) // the next time it has to be read again
	}
	_, err = f.Stdout.Write(data)
	return err
}

// streamOf reads the stream out of a release image. The login is the install-config's, if there is one.
func (f finder) streamOf(ctx context.Context, image string) ([]byte, error) {
	cfg, err := f.configIfAny()
	if err != nil {
		return nil, err
	}
	rel, err := release.Inspect(ctx, image, registry(cfg))
	if err != nil {
		return nil, err
	}
	if rel.Stream == nil {
		return nil, fmt.Errorf("release %s names no operating system images", rel.Version)
	}
	return osimage.Encode(rel.Stream)
}
