// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"metallb.io/metallb/controllers/config"
)

// errStarting is why nothing can be judged yet.
var errStarting = errors.New("the webhook has not read the configuration and the services yet, try again in a moment")

// state is what changes are judged by.
type state interface {
	// read returns the configuration and what it is used for. Nothing in it may be modified.
	read(ctx context.Context) (config.Objects, config.ClusterState, error)
	// confirm does so where the verdict on a change depends on what was seen and on the impacts, and is behind nothing; false if
	// nothing has changed.
	confirm(ctx context.Context, seen config.Objects, impacts config.Impacts) (config.Objects, config.ClusterState, bool, error)
	// missed returns what services hold by what was observed until now, and by what the API server has where that is more recent.
	missed(ctx context.Context) (config.Holdings, error)
}

// validator judges changes of one kind.
type validator[T config.Object] struct {
	kind      schema.GroupKind
	namespace string
	state     state
	// cached and live read from the cache and from the API server itself.
	cached, live client.Reader
	metrics      *metrics
	logger       logr.Logger
}

var _ admission.Validator[config.Object] = &validator[config.Object]{}

// webhook returns the webhook of the kind.
func (v *validator[T]) webhook(scheme *runtime.Scheme) *admission.Webhook {
	w := admission.WithValidator(scheme, v)
	w.Handler = tolerant{w.Handler, v.kind.Kind, v.logger}
	return w
}

// ValidateCreate judges the creation of the object.
func (v *validator[T]) ValidateCreate(ctx context.Context, object T) (admission.Warnings, error) {
	return v.review(ctx, config.Change{New: object})
}

// ValidateUpdate judges an update of the object.
func (v *validator[T]) ValidateUpdate(ctx context.Context, was, is T) (admission.Warnings, error) {
	return v.review(ctx, config.Change{Old: was, New: is})
}

// ValidateDelete judges the deletion of the object.
func (v *validator[T]) ValidateDelete(ctx context.Context, object T) (admission.Warnings, error) {
	return v.review(ctx, config.Change{Old: object})
}

// review answers the request. What could not be judged is refused, unless it is a deletion: the way out stays open.
func (v *validator[T]) review(ctx context.Context, change config.Change) (admission.Warnings, error) {
	start := time.Now()
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return nil, err
	}
	object := change.New
	if object == nil {
		object = change.Old
	}
	logger := v.logger.WithValues(describe(v.kind.Kind, object, &request)...)
	warnings, refusal, err := v.judge(logr.NewContext(ctx, logger), &request, change)
	outcome := admitted
	switch {
	case err != nil && change.New == nil:
		logger.Error(err, "admitting a deletion unchecked")
		outcome, warnings = unchecked, append(warnings, fmt.Sprintf("it was not checked whether %s %q is in use: %v", v.kind.Kind, object.GetName(), err))
	case err != nil:
		logger.Error(err, "refusing a change that could not be checked")
		outcome, refusal = unchecked, failure(err)
	case refusal != nil:
		logger.Info("refusing a change", "reason", refusal.Error())
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

// describe returns what log lines say of a request. It does not name the object itself where a collection is deleted.
func describe(kind string, object config.Object, request *admission.Request) []any {
	values := []any{
		"kind", kind, "object", client.ObjectKeyFromObject(object).String(),
		"operation", request.Operation, "user", request.UserInfo.Username,
	}
	if request.DryRun != nil && *request.DryRun {
		values = append(values, "dryRun", true)
	}
	return values
}

// judge returns the warnings about the change, or why it is refused: then there is nothing else worth a word. The error is
// why neither is known.
func (v *validator[T]) judge(ctx context.Context, request *admission.Request, change config.Change) (_ admission.Warnings, _ *apierrors.StatusError, err error) {
	defer func() {
		if r := recover(); r != nil {
			log.FromContext(ctx).Error(nil, "checking a change panicked", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("checking it panicked: %v", r)
		}
	}()
	objects, state, err := v.state.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	verdict := config.Check(v.namespace, objects, change, state)
	if len(verdict.Errors)+len(verdict.Warnings) > 0 || verdict.DependsOnOthers {
		objects, state, verdict = v.again(ctx, objects, change, state, verdict)
	}
	if len(verdict.Errors) == 0 && verdict.Narrows {
		if verdict, err = v.caughtUp(ctx, objects, change, state); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case len(verdict.Errors) > 0 && change.New == nil && v.leaving(ctx):
		return nil, nil, nil
	case len(verdict.Errors) == 0:
		return verdict.Warnings, nil, nil
	case change.New != nil:
		return nil, apierrors.NewInvalid(v.kind, change.New.GetName(), verdict.Errors), nil
	}
	resource := schema.GroupResource{Group: request.Resource.Group, Resource: request.Resource.Resource}
	return nil, apierrors.NewForbidden(resource, change.Old.GetName(), details(verdict.Errors)), nil
}

// again judges once more a change that is about to be refused or warned of, or that depends on other objects, and returns by what. What
// is in its way in the cache may have gone a moment ago, as where a script deletes one object after the other, and so may what it
// depends on; what it lacks may have come.
func (v *validator[T]) again(ctx context.Context, seen config.Objects, change config.Change, state config.ClusterState, verdict config.Verdict,
) (config.Objects, config.ClusterState, config.Verdict) {
	objects, now, changed, err := v.state.confirm(ctx, seen, verdict.Impacts)
	if err != nil {
		log.FromContext(ctx).Error(err, "confirming what was found")
	}
	if !changed {
		return seen, state, verdict
	}
	return objects, now, config.Check(v.namespace, objects, change, now)
}

// caughtUp judges the change, which is about to be admitted and takes something from some services, once more by all services as they
// are now: one may have been given an address a moment ago. It always does so, since the cache may have caught up after what the change
// was judged by was read. A service that it finds in the way may have gone, so that is confirmed too.
func (v *validator[T]) caughtUp(ctx context.Context, objects config.Objects, change config.Change, state config.ClusterState) (config.Verdict, error) {
	var err error
	if state.Holdings, err = v.state.missed(ctx); err != nil {
		return config.Verdict{}, err
	}
	verdict := config.Check(v.namespace, objects, change, state)
	if len(verdict.Errors) > 0 {
		_, _, verdict = v.again(ctx, objects, change, state, verdict)
	}
	return verdict, nil
}

// details returns what is wrong without the fields: of an object that is deleted, no field is.
func details(errs field.ErrorList) error {
	texts := make([]string, 0, len(errs))
	for _, e := range errs {
		texts = append(texts, e.Detail)
	}
	return errors.New(strings.Join(texts, "; "))
}

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get,namespace=metallb-system

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
			log.FromContext(ctx).Error(err, "reading the namespace of the configuration")
		}
	}
	return false
}
