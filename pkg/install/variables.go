package install

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Environment variables of the reference.
const (
	EnvReleaseImage      = "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE"
	EnvOSImage           = "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE"
	EnvPreserveBootstrap = "OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP"
	EnvGatherBootstrap   = "OPENSHIFT_INSTALL_GATHER_BOOTSTRAP"
	EnvBootstrapIP       = "OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP"
	EnvClusterProfile    = "OPENSHIFT_INSTALL_EXPERIMENTAL_CLUSTER_PROFILE"
	envInvoker           = "OPENSHIFT_INSTALL_INVOKER"
	envLoadCerts         = "OPENSHIFT_INSTALL_LOAD_CLUSTER_CERTS"
	envSkipHostCrypt     = "OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION"
)

// ReleaseOverride is the release image that the environment asks for.
func ReleaseOverride(getenv func(string) string) string {
	return strings.TrimSpace(getenv(EnvReleaseImage))
}

// OSImage is the operating system image that the environment asks for.
func (e *Env) OSImage() (osimage.Override, error) {
	named := e.Getenv(EnvOSImage)
	e.Hide(secret.InURL(named)...)
	return osimage.ParseOverride(named)
}

// UnverifiedImages are the places from which the user takes an image although nothing vouches for it.
func (e *Env) UnverifiedImages() []string { return osimage.ParseAllowed(e.Getenv(osimage.AllowVar)) }
