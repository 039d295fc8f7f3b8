// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	update "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/test/builder"
)

const (
	// otherClass is that of another load balancer, and foreignAddress what it gives.
	otherClass     = "example.com/other"
	foreignAddress = "203.0.113.1"
)

// apiServer has Services and their namespace, and a cache that lags behind.
type apiServer struct {
	version  int
	services map[string]*corev1.Service
	cached   map[string]*corev1.Service
	// news are the versions of a Service that the cache has not seen, nil for one that is gone.
	news map[string][]*corev1.Service
	// labels are those of the namespace, cachedLabels what the cache has of them.
	labels, cachedLabels labels.Set
	// told are, of a Service and an address that it tells, the terms that it has had since then.
	told map[types.UID]map[string][]terms
	// met is what a Service asked for when it was told what it has.
	met map[types.UID]string
	// spoilt are Services that a controller wrote to after another had taken over, where that can have an effect: when that was decided,
	// a pool may have allowed disruption, or not have selected the Service, or another may have been about to be told the address, and
	// the other controller does not know that the Service was to be moved. It has to come right.
	spoilt map[types.UID]bool
	// inherited are the clashes that a controller found when it took over. Both keep the address then, and are told so.
	inherited map[clash]bool
}

// clash is an address told to two Services which never could share it.
type clash struct {
	address    string
	one, other types.UID
}

func newAPIServer() apiServer {
	return apiServer{
		services: map[string]*corev1.Service{}, news: map[string][]*corev1.Service{}, told: map[types.UID]map[string][]terms{},
		met: map[types.UID]string{}, spoilt: map[types.UID]bool{}, inherited: map[clash]bool{},
	}
}

// fillCache gives the cache what there is.
func (s *simulation) fillCache() {
	s.cached = map[string]*corev1.Service{}
	clear(s.news)
	s.cachedLabels = s.labels
	for name, svc := range s.services {
		if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
			s.cached[name] = svc
		}
	}
}

// hear lets the cache see the next version of the Service, or, if the watch was interrupted, the last.
func (s *simulation) hear(name string, last bool) {
	n := len(s.news[name])
	if n == 0 {
		return
	}
	if !last {
		n = 1
	}
	next := s.news[name][n-1]
	s.news[name] = s.news[name][n:]
	before := s.cached[name]
	delete(s.cached, name)
	if next != nil && next.Spec.Type == corev1.ServiceTypeLoadBalancer {
		s.cached[name] = next
	}
	after := s.cached[name]
	switch {
	case before == nil && after == nil:
	case before == nil || after == nil || before.UID != after.UID:
		s.queue.names[name] = true
	case s.reconciler.matters(update.UpdateEvent{ObjectOld: stripped(before), ObjectNew: stripped(after)}):
		s.queue.names[name] = true
	}
}

// stripped returns a Service as it is in the cache.
func stripped(svc *corev1.Service) *corev1.Service {
	svc = svc.DeepCopy()
	_, _ = Strip(svc)
	return svc
}

// hearOfNamespace lets the cache see the labels of the namespace.
func (s *simulation) hearOfNamespace() {
	s.cachedLabels = s.labels
	for name := range s.cached {
		s.queue.names[name] = true
	}
}

// edit creates, changes or deletes a Service, or labels the namespace.
func (s *simulation) edit() {
	if s.random.IntN(20) == 0 {
		s.labels = labels.Set{"team": []string{"x", "y"}[s.random.IntN(2)]}
		s.note("the namespace has %v", s.labels)
		return
	}
	name := s.name()
	before := s.services[name]
	switch {
	case before == nil:
		s.create(name)
		return
	case before.DeletionTimestamp != nil || s.random.IntN(9) == 0:
		s.remove(before)
		return
	}
	svc := before.DeepCopy()
	s.change(svc)
	s.put(svc)
}

// change changes one thing about the Service.
func (s *simulation) change(svc *corev1.Service) {
	annotate := func(key string, values ...string) {
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, key, values[s.random.IntN(len(values))])
	}
	what := s.random.IntN(12)
	if svc.Spec.Type != corev1.ServiceTypeLoadBalancer && s.random.IntN(2) == 0 || svc.Spec.LoadBalancerClass != nil {
		what = 5 // Most are of the type, and of the class, that matter here.
	}
	switch what {
	case 0:
		svc.Spec.LoadBalancerIP = []string{"192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"}[s.random.IntN(5)]
	case 1:
		svc.Spec.LoadBalancerIP = ""
	case 2:
		annotate(v1beta1.AnnotationAddressPool, "", "a", "b")
	case 3:
		annotate(v1beta1.AnnotationAllowSharedIP, "", "k")
	case 4:
		svc.Spec.Ports[0].Port = int32(s.random.IntN(2) + 80)
	case 5:
		s.changeType(svc)
	case 6:
		// Some contradict themselves.
		annotate(v1beta1.AnnotationLoadBalancerIPs, "", "", "", "nonsense", "192.0.2.1,2001:db8::1")
	case 7:
		s.chooseFamilies(svc)
	case 8, 9:
		svc.Spec.LoadBalancerIP = ""
		delete(svc.Annotations, v1beta1.AnnotationLoadBalancerIPs)
		delete(svc.Annotations, v1beta1.AnnotationAddressPool)
	default:
		svc.Labels = map[string]string{"tier": []string{"x", "y"}[s.random.IntN(2)]}
	}
}

func (s *simulation) create(name string) {
	svc := builder.MakeService(name).Obj()
	svc.UID = types.UID(fmt.Sprint(s.version))
	svc.CreationTimestamp = metav1.NewTime(time.Unix(int64(s.version), 0))
	if s.chooseFamilies(svc); s.random.IntN(2) == 0 {
		svc.Annotations = map[string]string{v1beta1.AnnotationAllowSharedIP: "k"}
	}
	svc.Spec.Ports[0].Port = int32(s.random.IntN(2) + 80)
	s.put(svc)
}

// remove deletes the Service, or marks it as to be deleted.
func (s *simulation) remove(svc *corev1.Service) {
	if svc.DeletionTimestamp == nil && s.random.IntN(2) == 0 {
		svc = svc.DeepCopy()
		now := metav1.NewTime(time.Unix(int64(s.version), 0))
		svc.DeletionTimestamp = &now
		s.note("%s is to be deleted", svc.Name)
		s.put(svc)
		return
	}
	delete(s.services, svc.Name)
	s.version++
	s.news[svc.Name] = append(s.news[svc.Name], nil)
	s.note("%s is deleted", svc.Name)
}

func (s *simulation) chooseFamilies(svc *corev1.Service) {
	policy := corev1.IPFamilyPolicySingleStack
	svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	switch s.random.IntN(8) {
	case 0:
		svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
	case 1, 2:
		policy, svc.Spec.IPFamilies = corev1.IPFamilyPolicyPreferDualStack, []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	case 3:
		policy, svc.Spec.IPFamilies = corev1.IPFamilyPolicyRequireDualStack, []corev1.IPFamily{corev1.IPv6Protocol, corev1.IPv4Protocol}
	}
	svc.Spec.IPFamilyPolicy = &policy
}

// changeType does what the API server does with it.
func (s *simulation) changeType(svc *corev1.Service) {
	if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
		svc.Spec.Type, svc.Spec.LoadBalancerIP, svc.Spec.LoadBalancerClass = corev1.ServiceTypeClusterIP, "", nil
		svc.Status.LoadBalancer.Ingress = nil
		return
	}
	svc.Spec.Type = corev1.ServiceTypeLoadBalancer
	if s.random.IntN(8) == 0 {
		class := otherClass
		svc.Spec.LoadBalancerClass = &class
	}
}

// intrude is what others do to Services at any time: they label them, and write to the status what is theirs.
func (s *simulation) intrude(name string) {
	if s.services[name] == nil {
		return
	}
	svc := s.services[name].DeepCopy()
	switch s.random.IntN(3) {
	case 0:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, "example.com/note", fmt.Sprint(s.version))
	case 1:
		meta.SetStatusCondition(&svc.Status.Conditions, metav1.Condition{
			Type: "example.com/Seen", Status: metav1.ConditionTrue, Reason: "Seen", Message: fmt.Sprint(s.version),
		})
	case 2:
		if svc.Spec.LoadBalancerClass == nil {
			return
		}
		svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: foreignAddress}}
	}
	s.put(svc)
}

// put stores a new version of the Service.
func (s *simulation) put(svc *corev1.Service) {
	s.version++
	svc.ResourceVersion = strconv.Itoa(s.version)
	s.services[svc.Name] = svc
	s.news[svc.Name] = append(s.news[svc.Name], svc)
	s.note("%s", s.describe(svc))
	before := s.told[svc.UID]
	now := map[string][]terms{}
	for _, address := range assignment.IngressTexts(svc) {
		now[address] = append(slices.Clone(before[address]), termsOf(svc))
	}
	s.told[svc.UID] = now
	for _, c := range s.clashes() {
		if _, was := before[c.address]; !was && (c.one == svc.UID || c.other == svc.UID) && !s.spoilt[c.one] && !s.spoilt[c.other] {
			s.fail("%s is told %s, which another is told who never could share it", svc.Name, c.address)
		}
	}
}

func (s *simulation) describe(svc *corev1.Service) string {
	text := fmt.Sprintf("%s is %s", svc.Name, svc.Spec.Type)
	if svc.Spec.LoadBalancerClass != nil {
		text += " of another class"
	}
	return fmt.Sprintf("%s, %v, key %q, port %d, labels %v, asks %q %q %q, has %v, version %s", text, svc.Spec.IPFamilies,
		assignment.Annotation(svc, v1beta1.AnnotationAllowSharedIP), svc.Spec.Ports[0].Port, svc.Labels, svc.Spec.LoadBalancerIP,
		assignment.Annotation(svc, v1beta1.AnnotationLoadBalancerIPs), assignment.Annotation(svc, v1beta1.AnnotationAddressPool), assignment.IngressTexts(svc), svc.ResourceVersion)
}

// clashes returns who is told the same address, and never could share it since.
func (s *simulation) clashes() []clash {
	var found []clash
	for _, svc := range s.services {
		for address, mine := range s.told[svc.UID] {
			for _, other := range s.services {
				theirs, both := s.told[other.UID][address]
				if other.UID <= svc.UID || !both || address == foreignAddress {
					continue
				}
				if !slices.ContainsFunc(mine, func(t terms) bool { return slices.ContainsFunc(theirs, t.admit) }) {
					found = append(found, clash{address, svc.UID, other.UID})
				}
			}
		}
	}
	return found
}

// requestIn is what the Service asks for.
func requestIn(svc *corev1.Service) string {
	return fmt.Sprint(svc.Spec.Type, svc.Spec.LoadBalancerClass, svc.Spec.IPFamilies, *svc.Spec.IPFamilyPolicy, svc.Spec.LoadBalancerIP,
		assignment.Annotation(svc, v1beta1.AnnotationLoadBalancerIPs), assignment.Annotation(svc, v1beta1.AnnotationAddressPool), termsOf(svc))
}

// companion is another Service that uses the same address: its terms as the allocator knows them, and all since it was told.
type companion struct {
	now   terms
	since []terms
}

// companions returns, by address, the others who use what the Service has.
func (s *simulation) companions(a *allocator.Allocator, name string) map[string][]companion {
	found := map[string][]companion{}
	service := types.NamespacedName{Namespace: "default", Name: name}
	for _, used := range a.Inspect(allocator.Filter{Service: service}).Addresses {
		address := used.Address.String()
		for _, holder := range used.Users {
			if holder.Service == service {
				continue
			}
			c := companion{now: terms{holder.Sharing.Key, holder.Sharing.Ports[0].Number}}
			c.since = []terms{c.now}
			if svc := s.services[holder.Service.Name]; svc != nil {
				c.since = append(c.since, s.told[svc.UID][address]...)
			}
			found[address] = append(found[address], c)
		}
	}
	return found
}

// hadToGo reports whether the Service changed on what terms it shares the address since it has it, and cannot share it now with
// a companion with whom it could: then one of the two has to go, and the Service is one that changed its mind.
func (s *simulation) hadToGo(svc *corev1.Service, address string, companions []companion) bool {
	now, since := termsOf(svc), s.told[svc.UID][address]
	if !slices.ContainsFunc(since, func(t terms) bool { return t != now }) {
		return false
	}
	return slices.ContainsFunc(companions, func(c companion) bool {
		could := slices.ContainsFunc(c.since, func(theirs terms) bool { return slices.ContainsFunc(since, theirs.admit) })
		return could && !c.now.admit(now)
	})
}

// spoil notes that a controller of before writes to the Service, where that can have an effect.
func (s *simulation) spoil(now *corev1.Service, companions map[string][]companion) {
	s.note("a controller of before writes")
	hadToGo := func(address string) bool { return s.hadToGo(now, address, companions[address]) }
	if s.disrupts || s.unselected[now.UID] || slices.ContainsFunc(assignment.IngressTexts(now), hadToGo) {
		s.spoilt[now.UID] = true
	}
}

// write applies a patch of the controller's, in which nothing but the status and the annotations is changed. The companions are
// those that the Service had when that was decided.
func (s *simulation) write(desired *corev1.Service, patch client.Patch, term int, companions map[string][]companion) error {
	resource := schema.GroupResource{Resource: "services"}
	now := s.services[desired.Name]
	switch {
	case now == nil:
		return apierrors.NewNotFound(resource, desired.Name)
	case now.ResourceVersion != desired.ResourceVersion:
		return apierrors.NewConflict(resource, desired.Name, nil)
	}
	if err := compareWithPatched(now, desired, patch); err != nil {
		s.fail("the patch of %s: %v", desired.Name, err)
	}
	had, has := assignment.IngressTexts(now), assignment.IngressTexts(desired)
	taken := slices.DeleteFunc(slices.Clone(had), func(address string) bool {
		return slices.Contains(has, address) || s.hadToGo(now, address, companions[address])
	})
	if term != s.term {
		s.spoil(now, companions)
	}
	switch {
	case !assignment.Served(now, "") || s.spoilt[now.UID]:
	case len(had) > 0 && len(has) == 0:
		s.fail("%s is left without an address, and had %v", desired.Name, had)
	case len(taken) > 0 && !s.disrupts && !s.unselected[now.UID] && s.met[now.UID] == requestIn(now):
		s.fail("%s had %v, for which it asked, and is told %v; nothing made it leave %v", desired.Name, had, has, taken)
	}
	delete(s.met, now.UID)
	delete(s.unselected, now.UID)
	if meta.IsStatusConditionTrue(desired.Status.Conditions, v1beta1.ConditionAllocated) {
		s.met[now.UID] = requestIn(now)
	}
	s.put(desired.DeepCopy())
	desired.ResourceVersion = strconv.Itoa(s.version)
	return nil
}

// cache is the client of the controller of the term: it reads what the cache has.
type cache struct {
	client.Client

	*simulation

	term      int
	allocator *allocator.Allocator
}

func (c cache) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if namespace, ok := object.(*corev1.Namespace); ok {
		namespace.Labels = c.cachedLabels
		return nil
	}
	if svc := c.cached[key.Name]; svc != nil {
		*object.(*corev1.Service) = *svc // The parts are the cache's.
		return nil
	}
	return get(c.cached, key, object)
}

func (c cache) Status() client.SubResourceWriter {
	return status{simulation: c.simulation, term: c.term, allocator: c.allocator}
}

// live reads what the API server has.
type live struct {
	client.Reader

	*simulation
}

func (l live) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	return get(l.services, key, object)
}

func (l live) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	asked := &client.ListOptions{}
	asked.ApplyOptions(options)
	switch list := list.(type) {
	case *corev1.NamespaceList:
		list.Items = []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: l.labels}}}
	case *corev1.ServiceList:
		for _, svc := range l.services {
			if asked.FieldSelector.Matches(fields.Set{"spec.type": string(svc.Spec.Type)}) {
				list.Items = append(list.Items, *svc.DeepCopy())
			}
		}
	}
	return nil
}

func get(from map[string]*corev1.Service, key client.ObjectKey, object client.Object) error {
	if svc, ok := object.(*corev1.Service); ok && from[key.Name] != nil {
		from[key.Name].DeepCopyInto(svc)
		return nil
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// status writes, or not.
type status struct {
	client.SubResourceWriter

	*simulation

	term      int
	allocator *allocator.Allocator
}

func (w status) Patch(_ context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	desired := object.(*corev1.Service)
	w.note("the controller wants %s of version %s to have %v", desired.Name, desired.ResourceVersion, assignment.IngressTexts(desired))
	companions := w.companions(w.allocator, desired.Name)
	w.meanwhile()
	defer w.meanwhile()
	switch fate := w.random.IntN(10); {
	case w.calm:
	case w.term != w.simulation.term && !w.overlaps, fate == 0:
		return errLost
	case fate == 1:
		_ = w.write(desired.DeepCopy(), patch, w.term, companions) // The answer is lost.
		return errLost
	case fate == 2:
		asked := desired.DeepCopy()
		w.late = append(w.late, func() { _ = w.write(asked, patch, w.term, companions) })
		return errLost
	}
	return w.write(desired, patch, w.term, companions)
}
