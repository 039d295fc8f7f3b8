// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
)

// servicesIn returns the Services in files, directories and at URLs; what else is there does not matter.
func (e *environment) servicesIn(files []string) ([]corev1.Service, error) {
	if len(files) == 0 {
		return nil, errors.New("which Services? Name their file with --filename")
	}
	namespace, err := e.namespace()
	if err != nil {
		return nil, err
	}
	b := resource.NewBuilder(e.flags).Unstructured().Local().NamespaceParam(namespace).DefaultNamespace().Flatten()
	for _, file := range files {
		if file == "-" {
			b.Stream(e.In, "standard input")
			continue
		}
		b.FilenameParam(false, &resource.FilenameOptions{Filenames: []string{file}})
	}
	infos, err := b.Do().Infos()
	if err != nil {
		return nil, err
	}
	var services []corev1.Service
	for _, info := range infos {
		o, ok := info.Object.(*unstructured.Unstructured)
		if !ok || o.GroupVersionKind() != corev1.SchemeGroupVersion.WithKind("Service") {
			continue
		}
		var svc corev1.Service
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &svc, true); err != nil {
			return nil, fmt.Errorf("%s: Service %s: %w", info.Source, o.GetName(), err)
		}
		if svc.Namespace == "" {
			svc.Namespace = namespace
		}
		services = append(services, svc)
	}
	if len(services) == 0 {
		return nil, fmt.Errorf("no Service in %q", files)
	}
	return services, nil
}
