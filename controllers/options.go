// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
)

// options are the settings that only the controller has.
type options struct {
	leaderElect bool
	webhookMode string
}

// Register adds the flags.
func (o *options) Register(flags *flag.FlagSet) {
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "of several controllers let only one, the holder of a Lease, be active")
	flags.StringVar(&o.webhookMode, "webhook-mode", "disabled", "`mode` of the webhook: disabled; this release has no webhook to be enabled")
}

// Complete refuses what this release does not have.
func (o *options) Complete(func(string) string) error {
	switch o.webhookMode {
	case "disabled":
		return nil
	case "enabled":
		return errors.New("--webhook-mode=enabled: this release has no webhook; leave the flag out or set it to disabled")
	}
	return fmt.Errorf("--webhook-mode=%s: must be disabled, as this release has no webhook", o.webhookMode)
}
