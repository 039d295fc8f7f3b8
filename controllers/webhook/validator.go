// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"metallb.io/metallb/controllers/safety"
)

// errStarting is why nothing can be judged yet.
var errStarting = errors.New("the webhook has not read the configuration and the services yet, try again in a moment")

// state is what changes are judged by.
type state interface {
	// read returns the configuration and what it is used for. Nothing in it may be modified.
	read(ctx context.Context) (safety.Objects, safety.Use, error)
}

// validator judges changes of one kind.
type validator[T safety.Object] struct {
	kind      schema.GroupKind
	namespace string
	state     state
	// cached and live read from the cache and from the API server itself.
	cached, live client.Reader
	metrics      *metrics
	logger       logr.Logger
}

var _ admission.Validator[safety.Object] = &validator[safety.Object]{}

// ValidateCreate judges the creation of the object.
func (v *validator[T]) ValidateCreate(ctx context.Context, object T) (admission.Warnings, error) {
	return v.review(ctx, safety.Change{New: object})
}

// ValidateUpdate judges an update of the object.
func (v *validator[T]) ValidateUpdate(ctx context.Context, was, is T) (admission.Warnings, error) {
	return v.review(ctx, safety.Change{Old: was, New: is})
}

// ValidateDelete judges the deletion of the object.
func (v *validator[T]) ValidateDelete(ctx context.Context, object T) (admission.Warnings, error) {
	return v.review(ctx, safety.Change{Old: object})
}

// review answers the request. What could not be judged is refused, unless it is a deletion: the way out stays open.
func (v *validator[T]) review(ctx context.Context, change safety.Change) (admission.Warnings, error) {
	start := time.Now()
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return nil, err
	}
	warnings, refusal, err := v.judge(ctx, &request, change)
	outcome := admitted
	switch {
	case err != nil && change.New == nil:
		v.logger.Error(err, "admitting a deletion unchecked", describe(v.kind.Kind, &request)...)
		outcome, warnings = unchecked, append(warnings, fmt.Sprintf("it was not checked whether %s %q is in use: %v", v.kind.Kind, request.Name, err))
	case err != nil:
		v.logger.Error(err, "refusing a change that could not be checked", describe(v.kind.Kind, &request)...)
		outcome, refusal = unchecked, failure(err)
	case refusal != nil:
		v.logger.Info("refusing a change", append(describe(v.kind.Kind, &request), "reason", refusal.Error())...)
		outcome = refused
	}
	v.metrics.observe(v.kind.Kind, request.Operation, outcome, time.Since(start))
	if refusal != nil {
		return warnings, refusal
	}
	return warnings, nil
}

// failure returns what the API server tells of a change that could not be judged.
func failure(err error) *apierrors.StatusError {
	if errors.Is(err, errStarting) {
		return apierrors.NewServiceUnavailable(err.Error())
	}
	return apierrors.NewInternalError(err)
}

// describe returns what a log line says of a request.
func describe(kind string, request *admission.Request) []any {
	values := []any{
		"kind", kind, "object", types.NamespacedName{Namespace: request.Namespace, Name: request.Name}.String(),
		"operation", request.Operation, "user", request.UserInfo.Username,
	}
	if request.DryRun != nil && *request.DryRun {
		values = append(values, "dryRun", true)
	}
	return values
}

// judge returns the warnings about the change, or why it is refused: then there is nothing else worth a word. The error is
// why neither is known.
func (v *validator[T]) judge(ctx context.Context, request *admission.Request, change safety.Change) (_ admission.Warnings, _ *apierrors.StatusError, err error) {
	defer func() {
		if r := recover(); r != nil {
			v.logger.Error(nil, "checking a change panicked", append(describe(v.kind.Kind, request), "panic", r, "stack", string(debug.Stack()))...)
			err = fmt.Errorf("checking it panicked: %v", r)
		}
	}()
	objects, use, err := v.state.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	verdict := safety.Check(v.namespace, objects, change, use)
	switch {
	case len(verdict.Errors) == 0:
		return verdict.Warnings, nil, nil
	case change.New != nil:
		return nil, apierrors.NewInvalid(v.kind, request.Name, verdict.Errors), nil
	case v.leaving(ctx):
		return nil, nil, nil
	}
	resource := schema.GroupResource{Group: request.Resource.Group, Resource: request.Resource.Resource}
	return nil, apierrors.NewForbidden(resource, request.Name, verdict.Errors.ToAggregate()), nil
}

// leaving reports whether the product's namespace is on its way out, and everything in it: then nothing is in use any more
// that would be worth to hang on to. The cache may not know yet, so the API server itself is asked.
func (v *validator[T]) leaving(ctx context.Context) bool {
	for _, reader := range []client.Reader{v.cached, v.live} {
		namespace := &corev1.Namespace{}
		err := reader.Get(ctx, client.ObjectKey{Name: v.namespace}, namespace)
		switch {
		case apierrors.IsNotFound(err), err == nil && namespace.DeletionTimestamp != nil:
			return true
		case err != nil:
			v.logger.Error(err, "reading the namespace of the configuration")
		}
	}
	return false
}
