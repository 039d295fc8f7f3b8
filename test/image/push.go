// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push writes the image, of one platform or several, to the registry that its name begins with, with the credentials that `docker login` or
// `podman login` has stored.
func push(ctx context.Context, ref string, variants []Variant) error {
	tag, err := name.NewTag(ref, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if len(variants) == 1 {
		err = remote.Write(tag, variants[0].Image, options...)
	} else {
		err = remote.WriteIndex(tag, indexOf(variants), options...)
	}
	if err != nil {
		return fmt.Errorf("pushing %s: %w", ref, err)
	}
	return nil
}
