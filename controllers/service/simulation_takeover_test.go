// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// TestALateWriteOfAFormerLeaderTakesNoEffect is of seeds by which late writes did when nobody marked the services that they were for.
func TestALateWriteOfAFormerLeaderTakesNoEffect(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{75, 231, 247, 287, 295, 379} {
		simulate(t, seed)
	}
}

// takeover returns the Takeover of the controller of this term. If terms do not overlap, there was no controller before.
func (s *simulation) takeover() *Takeover {
	return &Takeover{
		Client: successor{simulation: s}, Identity: fmt.Sprintf("controller-%d", s.term),
		Predecessor: func() bool { return s.overlaps }, Concurrency: 1,
	}
}

// successor is the client of a controller that takes over, while late writes of others arrive.
type successor struct {
	client.Client

	*simulation
}

func (c successor) Status() client.SubResourceWriter { return marks{simulation: c.simulation} }

type marks struct {
	client.SubResourceWriter

	*simulation
}

func (c marks) Patch(_ context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	if len(c.late) > 0 && c.random.IntN(3) == 0 {
		write := c.late[0]
		c.late = c.late[1:]
		write()
	}
	resource, marked := schema.GroupResource{Resource: "services"}, object.(*corev1.Service)
	switch now := c.services[marked.Name]; {
	case now == nil:
		return apierrors.NewNotFound(resource, marked.Name)
	case now.ResourceVersion != marked.ResourceVersion:
		return apierrors.NewConflict(resource, marked.Name, nil)
	default:
		if err := compareWithPatched(now, marked, patch); err != nil {
			c.fail("the patch that marks %s: %v", marked.Name, err)
		}
	}
	c.note("%s is marked by %s", marked.Name, marked.Annotations[v1beta1.AnnotationTakenOverBy])
	stored := marked.DeepCopy()
	c.put(stored)
	marked.ResourceVersion = stored.ResourceVersion
	return nil
}
