// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// tolerant answers where the other cannot since what is stored of an object cannot be decoded, as where the schema was
// another one when it was written: it may be deleted, and be put right as if it was created.
type tolerant struct {
	admission.Handler
	kind   string
	logger logr.Logger
}

// Handle answers the request.
func (h tolerant) Handle(ctx context.Context, request admission.Request) admission.Response {
	response := h.Handler.Handle(ctx, request)
	// That is the answer to what cannot be decoded, and to nothing else.
	unreadable := !response.Allowed && response.Result.Code == http.StatusBadRequest
	switch {
	case unreadable && request.Operation == admissionv1.Update:
		request.Operation = admissionv1.Create
		return h.Handler.Handle(ctx, request)
	case unreadable && request.Operation == admissionv1.Delete:
		h.logger.Info("admitting a deletion unchecked", "kind", h.kind, "object", request.Namespace+"/"+request.Name, "reason", response.Result.Message)
		return admission.Allowed("").WithWarnings(fmt.Sprintf("it was not checked whether %s %q is in use, since what is stored of it cannot be read: %s",
			h.kind, request.Name, response.Result.Message))
	}
	return response
}
