// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/test/builder"
)

// server answers as an API server does, a page at a time.
type server struct {
	client.Reader
	services    []corev1.Service
	slices      []discoveryv1.EndpointSlice
	deployments []appsv1.Deployment
	// refused are errors by the type of the list.
	refused map[string]error

	mu    sync.Mutex
	asked map[string]int
}

func (s *server) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	kind := fmt.Sprintf("%T", list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[kind]++
	var asked client.ListOptions
	asked.ApplyOptions(options)
	switch l := list.(type) {
	case *corev1.ServiceList:
		l.Items = page(s.services, asked, l)
	case *discoveryv1.EndpointSliceList:
		l.Items = page(s.slices, asked, l)
	case *appsv1.DeploymentList:
		l.Items = s.deployments
	}
	return s.refused[kind]
}

// page returns the part of the list that is asked for, and says in the list where the next begins.
func page[T any](all []T, asked client.ListOptions, list client.ObjectList) []T {
	start, _ := strconv.Atoi(asked.Continue)
	end := start + int(asked.Limit)
	if asked.Limit == 0 || end >= len(all) {
		return all[start:]
	}
	list.SetContinue(strconv.Itoa(end))
	return all[start:end]
}

const namespace = "metallb-system"

func TestAClusterIsReadInPages(t *testing.T) {
	t.Parallel()
	s := &server{}
	for i := range 2*listing.PageSize + 1 {
		s.services = append(s.services, *builder.MakeService(fmt.Sprintf("s%04d", i)).Obj())
	}
	c, err := Read(t.Context(), s, namespace, time.Now(), Everything()...)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != len(s.services) || s.asked["*v1.ServiceList"] != 3 {
		t.Errorf("%d of %d services are read, in %d pages", len(c.Services), len(s.services), s.asked["*v1.ServiceList"])
	}
	if _, found := c.Service(types.NamespacedName{Namespace: "default", Name: "s0777"}); !found {
		t.Error("a service is not found")
	}
}

func TestOnlyWhatIsNeededIsAskedFor(t *testing.T) {
	t.Parallel()
	s := &server{}
	if _, err := Read(t.Context(), s, namespace, time.Now(), Nodes, Namespaces); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"*v1.NodeList": 1, "*v1.NamespaceList": 1}, s.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestEndpointSlicesAreFoundByTheirService(t *testing.T) {
	t.Parallel()
	slice := func(name, service string) discoveryv1.EndpointSlice {
		s := discoveryv1.EndpointSlice{}
		s.Namespace, s.Name, s.Labels = "default", name, map[string]string{discoveryv1.LabelServiceName: service}
		return s
	}
	s := &server{slices: []discoveryv1.EndpointSlice{slice("a", "web"), slice("b", ""), slice("c", "web")}}
	c, err := Read(t.Context(), s, namespace, time.Now(), Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Slices) != 1 || len(c.Slices[types.NamespacedName{Namespace: "default", Name: "web"}]) != 2 {
		t.Errorf("slices: %v", c.Slices)
	}
}

func TestTheClassIsThatOfTheController(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		container corev1.Container
		want      string
	}{
		"by default":            {},
		"by a flag":             {corev1.Container{Args: []string{"--lb-class=example.com/lb"}}, "example.com/lb"},
		"by a flag of one dash": {corev1.Container{Args: []string{"-lb-class=example.com/lb"}}, "example.com/lb"},
		"by two words":          {corev1.Container{Args: []string{"--leader-elect", "--lb-class", "example.com/lb"}}, "example.com/lb"},
		"by a variable":         {corev1.Container{Env: []corev1.EnvVar{{Name: "METALLB_LB_CLASS", Value: "example.com/lb"}}}, "example.com/lb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other, controller := appsv1.Deployment{}, appsv1.Deployment{}
			other.Name, controller.Name = "another", "controller"
			controller.Labels = map[string]string{"component": "controller"}
			controller.Spec.Template.Spec.Containers = []corev1.Container{tc.container}
			c, err := Read(t.Context(), &server{deployments: []appsv1.Deployment{controller, other}}, namespace, time.Now(), Workloads)
			if err != nil || c.Class != tc.want || c.Controller == nil || c.Controller.Name != "controller" {
				t.Errorf("class %q of %v, %v; want %q", c.Class, c.Controller, err, tc.want)
			}
		})
	}
}

func TestAClusterThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "", errors.New("no rights"))
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		list string
		err  error
		// want is the error, wantUnread the part that is left out in its place.
		want       string
		wantUnread Part
	}{
		"the configuration":              {list: "*v1beta1.CommunityList", err: broken, want: "listing the configuration: broken"},
		"a configuration without rights": {list: "*v1beta2.BGPPeerList", err: forbidden, want: "listing the configuration: " + forbidden.Error()},
		"nodes":                          {list: "*v1.NodeList", err: broken, want: "listing nodes: broken"},
		"nodes without rights":           {list: "*v1.NodeList", err: forbidden, wantUnread: Nodes},
		"namespaces without rights":      {list: "*v1.NamespaceList", err: forbidden, wantUnread: Namespaces},
		"services without rights":        {list: "*v1.ServiceList", err: forbidden, wantUnread: Services},
		"endpoints without rights":       {list: "*v1.EndpointSliceList", err: forbidden, wantUnread: Endpoints},
		"sessions without rights":        {list: "*v1beta1.BGPSessionStateList", err: forbidden, wantUnread: Sessions},
		"pods without rights":            {list: "*v1.PodList", err: forbidden, wantUnread: Workloads},
		"no kinds": {
			list: "*v1beta1.IPAddressPoolList", err: &meta.NoKindMatchError{},
			want: (&NotInstalledError{fmt.Errorf("listing the configuration: %w", &meta.NoKindMatchError{})}).Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Read(t.Context(), &server{refused: map[string]error{tc.list: tc.err}}, namespace, time.Now(), Everything()...)
			if tc.want != "" {
				if err == nil || err.Error() != tc.want || !errors.Is(err, tc.err) {
					t.Errorf("error %v, want %s", err, tc.want)
				}
				return
			}
			if err != nil || len(c.Unread) != 1 || c.Unread[0].Part != tc.wantUnread || !errors.Is(c.Unread[0].Err, tc.err) {
				t.Errorf("error %v, left out %v; want %s", err, c, tc.wantUnread)
			}
		})
	}
}
