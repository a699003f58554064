package hook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// conversion is a ConversionReview, in as much as this server needs.
type conversion struct {
	metav1.TypeMeta `json:",inline"`
	Request         *struct {
		UID     types.UID        `json:"uid"`
		Desired string           `json:"desiredAPIVersion"`
		Objects []map[string]any `json:"objects"`
	} `json:"request,omitempty"`
	Response *converted `json:"response,omitempty"`
}

type converted struct {
	UID     types.UID        `json:"uid"`
	Objects []map[string]any `json:"convertedObjects"`
	Result  metav1.Status    `json:"result"`
}

// Conversion makes an object one of another version.
type Conversion func(object map[string]any, version string) (map[string]any, error)

// ServeHTTP answers a review.
func (c Conversion) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review conversion
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8*maxBody))
	if err == nil {
		err = json.Unmarshal(raw, &review)
	}
	if err == nil && review.Request == nil {
		err = fmt.Errorf("a review without a request")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := &converted{UID: review.Request.UID, Result: metav1.Status{Status: metav1.StatusSuccess}}
	for _, o := range review.Request.Objects {
		n, err := c(o, review.Request.Desired)
		if err != nil {
			out.Objects = nil
			out.Result = metav1.Status{Status: metav1.StatusFailure, Message: err.Error()}
			break
		}
		out.Objects = append(out.Objects, n)
	}
	reply(w, conversion{TypeMeta: review.TypeMeta, Response: out})
}
