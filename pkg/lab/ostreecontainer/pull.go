// Package ostreecontainer is the part of "ostree container" that a bootstrap
// host uses, for Debian's ostree, which has none: it takes the OS out of a
// container image and into a repository, as commits that ostree itself makes.
package ostreecontainer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// unverified is the transport of images that are not checked against a signature:
// their digest is enough.
const unverified = "ostree-unverified-image:docker://"

// Run is the command line: container image pull [--authfile FILE] REPO IMAGE.
func Run(ctx context.Context, args []string) error {
	usage := errors.New("usage: ostree container image pull [--authfile FILE] REPO " + unverified + "IMAGE")
	if len(args) < 3 || args[0] != "container" || args[1] != "image" || args[2] != "pull" {
		return usage
	}
	flags := flag.NewFlagSet("ostree container image pull", flag.ContinueOnError)
	logins := flags.String("authfile", "", "logins of registries, as podman's")
	if err := flags.Parse(args[3:]); err != nil {
		return err
	}
	image, ok := strings.CutPrefix(flags.Arg(1), unverified)
	if flags.NArg() != 2 || !ok {
		return usage
	}
	return Pull(ctx, flags.Arg(0), image, *logins)
}

// Pull imports an image into a repository: a commit per layer, so that what
// has come is not asked for again, and one of all of them.
func Pull(ctx context.Context, repo, image, authfile string) error {
	ref, err := name.ParseReference(image)
	if err != nil {
		return fmt.Errorf("pull OS image: %w", err)
	}
	keys, err := readLogins(authfile)
	if err != nil {
		return fmt.Errorf("pull OS image %s: %w", ref, err)
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(keys))
	if err != nil {
		return fmt.Errorf("pull OS image %s: %w", ref, err)
	}
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("pull OS image %s: %w", ref, err)
	}
	r := repository(repo)
	var trees []string
	for _, l := range layers {
		tree, err := r.layer(ctx, l)
		if err != nil {
			return fmt.Errorf("import OS image %s: %w", ref, err)
		}
		trees = append(trees, "--tree=ref="+tree)
	}
	if err := r.commit(ctx, imageRef+escape("docker://"+image), nil, trees...); err != nil {
		return fmt.Errorf("import OS image %s: %w", ref, err)
	}
	return nil
}

// Where ostree's container support keeps images and layers.
const (
	imageRef = "ostree/container/image/"
	blobRef  = "ostree/container/blob/"
)

// repository is a directory that ostree works in.
type repository string

// layer imports one layer, unless it is there, and returns its ref.
func (r repository) layer(ctx context.Context, l v1.Layer) (ref string, err error) {
	digest, err := l.Digest()
	if err != nil {
		return "", err
	}
	ref = blobRef + escape(digest.String())
	if _, err := r.ostree(ctx, nil, "rev-parse", ref); err == nil {
		return ref, nil
	}
	content, err := l.Uncompressed()
	if err != nil {
		return "", fmt.Errorf("read layer %s: %w", digest, err)
	}
	defer content.Close()
	// Images have their settings in /etc, commits have the OS's own in /usr/etc.
	// Under another name until it is known to be usable.
	raw := "okd-lab/" + ref
	err = r.commit(ctx, raw, content,
		"--tree=tar=/dev/stdin", "--tar-autocreate-parents", `--tar-pathname-filter=^etc(.*),usr/etc\1`)
	if err != nil {
		return "", fmt.Errorf("layer %s: %w", digest, err)
	}
	// What is left is wanted for the error of a connection that broke, too.
	if _, err := io.Copy(io.Discard, content); err != nil {
		return "", fmt.Errorf("read layer %s: %w", digest, err)
	}
	names, err := r.ostree(ctx, nil, "ls", "--nul-filenames-only", "--recursive", raw, "/")
	if err != nil {
		return "", err
	}
	for path := range strings.SplitSeq(names, "\x00") {
		if strings.Contains(path, "/.wh.") {
			return "", fmt.Errorf("layer %s removes %s of a layer below; the lab's images do not do that", digest, path)
		}
	}
	_, err = r.ostree(ctx, nil, "refs", "--force", "--create", ref, raw)
	return ref, err
}

func (r repository) commit(ctx context.Context, ref string, stdin io.Reader, args ...string) error {
	_, err := r.ostree(ctx, stdin, "commit", append([]string{"--branch=" + ref, "--parent=none"}, args...)...)
	return err
}

func (r repository) ostree(ctx context.Context, stdin io.Reader, verb string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ostree", append([]string{verb, "--repo=" + string(r)}, args...)...)
	cmd.Stdin = stdin
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // names of files
	out, err := command.Output(cmd)
	if err != nil {
		return "", fmt.Errorf("ostree %s: %w", verb, err)
	}
	return out, nil
}
