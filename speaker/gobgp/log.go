// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
)

// logHandler copies what a GoBGP server logs to the debug log: nothing depends on it.
type logHandler struct {
	log logr.Logger
}

// at is the logger for a level: what GoBGP has for debugging, such as one record for each UPDATE, is at V(2).
func (h logHandler) at(level slog.Level) logr.Logger {
	if level < slog.LevelInfo {
		return h.log.V(2)
	}
	return h.log.V(1)
}

// Enabled implements slog.Handler.
func (h logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.at(level).Enabled()
}

// Handle implements slog.Handler.
func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	values := make([]any, 0, 2*r.NumAttrs()+2)
	values = append(values, "message", r.Message)
	r.Attrs(func(a slog.Attr) bool {
		values = append(values, a.Key, a.Value.Resolve().Any())
		return true
	})
	h.at(r.Level).Info("gobgp", values...)
	return nil
}

// WithAttrs leaves out the attributes, which name the peer: so does the logger.
func (h logHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup is not used by GoBGP.
func (h logHandler) WithGroup(string) slog.Handler { return h }
