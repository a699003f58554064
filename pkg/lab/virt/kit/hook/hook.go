// Package hook serves admission and conversion webhooks with the certificate that the lifecycle manager mounts.
package hook

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// maxBody limits a request (bytes): objects are smaller than etcd's 1.5 MiB.
const maxBody = 8 << 20

// Patch is an operation of RFC 6902.
type Patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Answer is what a webhook says to a request. An error refuses it.
type Answer struct {
	Patches  []Patch
	Warnings []string
}

// Admission is one webhook.
type Admission func(context.Context, *admissionv1.AdmissionRequest) (Answer, error)

// ServeHTTP answers a review.
func (a Admission) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(raw, &review)
	}
	if err == nil && review.Request == nil {
		err = errors.New("a review without a request")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	answer, err := a(r.Context(), review.Request)
	response.Warnings = answer.Warnings
	switch {
	case err != nil:
		response.Allowed, response.Result = false, refusal(err)
	case len(answer.Patches) > 0:
		kind := admissionv1.PatchTypeJSONPatch
		response.PatchType = &kind
		if response.Patch, err = json.Marshal(answer.Patches); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	reply(w, admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response})
}

// refusal is an error's status; one of the API server is handed on.
func refusal(err error) *metav1.Status {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		s := status.Status()
		return &s
	}
	return &metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: err.Error(),
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// Certificate is a pair of files; it is read anew for each connection, because it is renewed.
type Certificate struct{ Cert, Key string }

// Mounted is the certificate in a directory, under the names that the lifecycle manager gives it.
func Mounted(dir string) Certificate {
	if _, err := os.Stat(filepath.Join(dir, "apiserver.crt")); err == nil {
		return Certificate{filepath.Join(dir, "apiserver.crt"), filepath.Join(dir, "apiserver.key")}
	}
	return Certificate{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

// Server serves webhooks by path.
func Server(address string, c Certificate, mux *http.ServeMux) *http.Server {
	return &http.Server{Addr: address, Handler: mux, TLSConfig: &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
			if err != nil {
				return nil, fmt.Errorf("read the webhook's certificate: %w", err)
			}
			return &pair, nil
		},
	}}
}
