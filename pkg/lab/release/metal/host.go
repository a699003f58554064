package metal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// host brings the status of one host up to date.
func (o *Operator) host(ctx context.Context, h *metal3.BareMetalHost, p provisioningSpec,
	owners map[string]string, authorities []byte) error {
	if _, paused := h.Annotations[metal3.PausedAnnotation]; paused {
		return nil
	}
	ref := bareHosts.Ref(h.Namespace, h.Name)
	before := h.Status.DeepCopy()
	text, carried := h.Annotations[metal3.StatusAnnotation]
	brought, err := statusOf(text)
	if carried = carried && err == nil; carried && h.Status.LastUpdated.IsZero() {
		h.Status = *brought
	}
	owner := ""
	if mac := sameMAC(h.Spec.BootMACAddress); mac != "" {
		if owner = owners[mac]; owner == "" {
			owners[mac] = h.Name
		}
	}
	if err := o.judge(ctx, h, p, owner, authorities); err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(before, &h.Status) {
		now := metav1.NewTime(o.Clock.Now())
		h.Status.LastUpdated = &now
		if h.Status.ErrorMessage != "" && h.Status.ErrorMessage != before.ErrorMessage {
			h.Status.ErrorCount++
		}
		if err := o.Client.Update(ctx, ref, "status", h); err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("write its status: %w", err)
		}
	}
	o.News.Say("host "+h.Name, strings.TrimSpace(fmt.Sprintf("%s, %s, on: %t %s", h.Status.Provisioning.State,
		h.Status.OperationalStatus, h.Status.PoweredOn, h.Status.ErrorMessage)))
	if carried && !h.Status.LastUpdated.IsZero() { // a status that it has is no news
		gone := map[string]any{"metadata": map[string]any{"annotations": map[string]any{metal3.StatusAnnotation: nil}}}
		if err := o.Client.Patch(ctx, ref, "", gone); err != nil {
			return fmt.Errorf("remove annotation %s: %w", metal3.StatusAnnotation, err)
		}
	}
	return nil
}

// judge decides on the state of a host.
func (o *Operator) judge(ctx context.Context, h *metal3.BareMetalHost, p provisioningSpec, owner string,
	authorities []byte) error {
	s := &h.Status
	fail := func(kind metal3.ErrorType, err error) error {
		s.OperationalStatus, s.ErrorType, s.ErrorMessage = metal3.OperationalStatusError, kind, kube.OneLine(err.Error())
		return nil
	}
	well := func(state metal3.ProvisioningState, status metal3.OperationalStatus) error {
		s.Provisioning.State, s.OperationalStatus = state, status
		s.ErrorType, s.ErrorMessage, s.ErrorCount = "", "", 0
		return nil
	}
	if s.Provisioning.State == metal3.StateNone && h.HasBMCDetails() {
		s.Provisioning.State = metal3.StateRegistering
		s.Provisioning.BootMode = h.BootMode()
	}
	if err := check(h); err != nil {
		return fail(metal3.RegistrationError, err)
	}
	if !h.HasBMCDetails() {
		return well(metal3.StateUnmanaged, metal3.OperationalStatusDiscovered)
	}
	_, detached := h.Annotations[metal3.DetachedAnnotation]
	if detached && s.Provisioning.State == metal3.StateExternallyProvisioned {
		return well(metal3.StateExternallyProvisioned, metal3.OperationalStatusDetached)
	}
	if owner != "" {
		return fail(metal3.RegistrationError, fmt.Errorf("bootMACAddress %s is host %s's", h.Spec.BootMACAddress, owner))
	}
	if err := reachable(h, p); err != nil {
		return fail(metal3.RegistrationError, err)
	}
	secret, l, err := o.login(ctx, h)
	if err == nil && h.Spec.PreprovisioningNetworkDataName != "" {
		err = o.networkData(ctx, h)
	}
	if errors.Is(err, errUnread) {
		return err
	}
	if err != nil {
		return fail(metal3.RegistrationError, err)
	}
	if !o.due(h, secret) {
		return nil
	}
	tried := metal3.CredentialsStatus{
		Reference: &corev1.SecretReference{Namespace: h.Namespace, Name: secret.Name}, Version: secret.ResourceVersion,
	}
	s.TriedCredentials = tried
	on, err := o.power(ctx, h, secret, l, authorities)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		kind := metal3.RegistrationError
		if s.Provisioning.State == metal3.StateExternallyProvisioned && !errors.Is(err, errRefused) {
			kind = metal3.PowerManagementError
		}
		return fail(kind, fmt.Errorf("BMC %s: %w", h.Spec.BMC.Address, err))
	}
	s.GoodCredentials, s.PoweredOn = tried, on
	if !h.Spec.ExternallyProvisioned {
		s.Provisioning.State = metal3.StateInspecting
		return fail(metal3.InspectionError, errors.New("the cluster would boot the host to inspect it now, and write it "+
			"when a machine wants it; the lab's operator does neither"))
	}
	return well(metal3.StateExternallyProvisioned, metal3.OperationalStatusOK)
}

// errUnread: the API did not say what a Secret has, or whether it exists.
var errUnread = errors.New("not read")

// secret reads a Secret of a host.
func (o *Operator) secret(ctx context.Context, h *metal3.BareMetalHost, name, what string) (*corev1.Secret, error) {
	var s corev1.Secret
	err := o.Client.Get(ctx, kube.Secrets.Ref(h.Namespace, name), &s)
	if kube.NotFound(err) {
		return nil, fmt.Errorf("there is no Secret %s with %s", name, what)
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s with %s: %w: %w", name, what, errUnread, err)
	}
	return &s, nil
}

// login is what the host's Secret says.
func (o *Operator) login(ctx context.Context, h *metal3.BareMetalHost) (*corev1.Secret, login, error) {
	name := h.Spec.BMC.CredentialsName
	if name == "" {
		return nil, login{}, errors.New("bmc.credentialsName is empty")
	}
	s, err := o.secret(ctx, h, name, "the login of the BMC")
	if err != nil {
		return nil, login{}, err
	}
	l := login{strings.TrimSpace(string(s.Data["username"])), strings.TrimSpace(string(s.Data["password"]))}
	if l.username == "" || l.password == "" {
		return nil, login{}, fmt.Errorf("the login in Secret %s lacks username or password", name)
	}
	return s, l, nil
}

// networkData checks the Secret with the network configuration.
func (o *Operator) networkData(ctx context.Context, h *metal3.BareMetalHost) error {
	name := h.Spec.PreprovisioningNetworkDataName
	s, err := o.secret(ctx, h, name, "the network configuration")
	if err == nil && len(s.Data["nmstate"]) == 0 {
		err = fmt.Errorf("no network configuration (nmstate) in Secret %s", name)
	}
	return err
}

// due reports whether it is time to ask a BMC. A login that it refused is not sent again: BMCs
// lock accounts.
func (o *Operator) due(h *metal3.BareMetalHost, secret *corev1.Secret) bool {
	q, known := o.asked[h.Namespace+"/"+h.Name]
	if !known || q.login != secret.ResourceVersion || q.address != h.Spec.BMC.Address {
		return true
	}
	pause := powerEvery
	if q.failed {
		pause = retryEvery
	}
	return !q.refused && o.Clock.Now().Sub(q.at) >= pause
}

func (o *Operator) power(ctx context.Context, h *metal3.BareMetalHost, secret *corev1.Secret, l login,
	authorities []byte) (bool, error) {
	at, err := redfishAt(h.Spec.BMC.Address)
	if err != nil {
		return false, err
	}
	on, err := o.ask(ctx, at, l, h.Spec.BMC.DisableCertificateVerification, authorities)
	o.asked[h.Namespace+"/"+h.Name] = question{
		at: o.Clock.Now(), login: secret.ResourceVersion, address: h.Spec.BMC.Address,
		refused: errors.Is(err, errRefused), failed: err != nil,
	}
	return on, err
}
