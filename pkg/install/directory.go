package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/version"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Files of an installation's directory.
const (
	ConfigFile     = "install-config.yaml" // what the user writes, or the wizard
	MetadataFile   = "metadata.json"
	KubeconfigFile = "auth/kubeconfig"
	PlanFile       = "infrastructure-plan.json"
	passwordFile   = "auth/kubeadmin-password"
)

// Opening says how the assets of a directory are opened.
type Opening struct {
	Edited       asset.Policy // what to do about edited files whose inputs changed
	AllowUnknown bool         // unknown keys of install-config.yaml are warnings
	AgentBased   bool         // hosts register themselves
}

// OfAnyKind is an opening for commands that serve all kinds of directories: hosts register themselves if the state says
// so, or if there is an agent-config.yaml.
func (e *Env) OfAnyKind(o Opening) (Opening, error) {
	key, err := e.StateKey()
	if err != nil {
		return o, err
	}
	based, err := assets.StoredAgentBased(e.Dir, key)
	if err != nil {
		return o, e.Explain(err)
	}
	_, none := os.Lstat(e.Path(agent.File))
	o.AgentBased = o.AgentBased || based || none == nil
	return o, nil
}

// Open takes the directory, with its assets, for this process.
func (e *Env) Open(o Opening) (*assets.Installer, error) {
	key, err := e.StateKey()
	if err != nil {
		return nil, err
	}
	var nodeIP netip.Addr
	if text := e.Getenv(EnvBootstrapIP); text != "" {
		if nodeIP, err = netip.ParseAddr(text); err != nil {
			return nil, fmt.Errorf("%s is %q, which is not an IP address", EnvBootstrapIP, text)
		}
	}
	image, _ := e.OSImage() // a mistake in it is told where it is used
	inst, err := assets.Open(e.Dir, assets.Deps{
		Platforms:      e.Platforms.Assets(),
		Clock:          e.Clock,
		Events:         e.Sink,
		ReleaseImage:   ReleaseOverride(e.Getenv),
		Version:        version.String(),
		Invoker:        e.Getenv(envInvoker),
		Profile:        e.Getenv(EnvClusterProfile),
		NodeIP:         nodeIP,
		LoadCerts:      e.Getenv(envLoadCerts) == "true",
		KeepOSTemplate: image.Template != "",
		AllowUnknown:   o.AllowUnknown,
		AgentBased:     o.AgentBased,
		HostFIPS:       hostFIPS(fipsFile),
		SkipHostCrypt:  e.Getenv(envSkipHostCrypt) != "",
		Lookup:         LookUp,
		Password:       e.password,
		Edited:         o.Edited,
		Command:        e.Command,
		StateKey:       key,
	})
	if err != nil {
		return nil, e.Explain(err)
	}
	return inst, nil
}

// Lock takes the directory for this process, without its assets.
func (e *Env) Lock() (*workdir.Lock, error) {
	return workdir.Take(e.Dir, workdir.Self(e.Command, e.Clock.Now()))
}

// Journal opens the journal with an entry for this run, which the caller ends.
func (e *Env) Journal() *phase.Journal {
	j := phase.OpenJournal(e.Dir, phase.Keeping{Now: e.Clock.Now, Sink: e.Sink, Clean: e.Clean})
	j.Begin(phase.Run{
		Command: e.Command, Version: version.String(), PID: os.Getpid(), Started: e.Clock.Now(),
	})
	return j
}

// Dial reads the administrator's kubeconfig of the directory.
func (e *Env) Dial() (*kube.Client, error) {
	api, missing, err := e.DialIfAny()
	if errors.Is(missing, fs.ErrNotExist) {
		return nil, exit.New("name the directory of the installation with --dir; "+
			e.Typed("create ignition-configs")+" writes that file", "there is no %s in %s", KubeconfigFile, e.Dir)
	}
	return api, errors.Join(missing, err)
}

// DialIfAny is Dial where there may be no kubeconfig: then the client is nil, and missing says why.
func (e *Env) DialIfAny() (api *kube.Client, missing, err error) {
	data, missing := os.ReadFile(e.Path(KubeconfigFile))
	if missing != nil {
		return nil, missing, nil
	}
	api, err = kube.Dial(data)
	return api, nil, err
}

// Password is that of kubeadmin, none if there is no such file.
func (e *Env) Password() (secret.String, error) {
	data, err := os.ReadFile(e.Path(passwordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return secret.String{}, nil
	}
	return secret.New(string(bytes.TrimSpace(data))), err
}
