// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
)

// secrets are those that BGPPeers may refer to, by name.
type secrets map[types.NamespacedName]*corev1.Secret

func newSecrets(list []corev1.Secret) secrets {
	s := make(secrets, len(list))
	for i := range list {
		s[types.NamespacedName{Namespace: list[i].Namespace, Name: list[i].Name}] = &list[i]
	}
	return s
}

// password returns the password in the secret, which is empty if the secret says so. A password that cannot be had is an
// error: the peer must not be connected to without one. The line breaks at its end are not part of it, as they are not with MetalLB and FRR:
// editors and echo leave one, and no router can be given a password with one.
func (s secrets) password(ref types.NamespacedName) (string, error) {
	secret, found := s[ref]
	if !found || secret.Type != corev1.SecretTypeBasicAuth { // Of other types none is watched.
		return "", fmt.Errorf("spec.passwordSecret: secret %s not found among those of type %s; create it in the namespace of the BGPPeer",
			ref, corev1.SecretTypeBasicAuth)
	}
	password, found := secret.Data[corev1.BasicAuthPasswordKey]
	password = bytes.TrimRight(password, "\r\n")
	switch {
	case !found:
		return "", fmt.Errorf("spec.passwordSecret: secret %s has no password; set its key %q", ref, corev1.BasicAuthPasswordKey)
	case len(password) > bgp.MaxPasswordLength:
		return "", fmt.Errorf("spec.passwordSecret: secret %s has a password of %d bytes; TCP MD5 takes at most %d", ref, len(password), bgp.MaxPasswordLength)
	}
	return string(password), nil
}
