// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Runner runs the steps of a document.
type Runner struct {
	Shell *Shell
	// Patience is how long a step that only looks is repeated until it shows what is expected.
	Patience time.Duration
	// Pause between two looks.
	Pause time.Duration
	// Log is told of every step.
	Log func(format string, args ...any)
}

// Run runs one step. The error shows what was wanted beside what was printed.
func (r *Runner) Run(ctx context.Context, step Step) error {
	r.Log("line %d: $ %s", step.Line, step.Command)
	deadline := time.Now().Add(r.Patience)
	for {
		printed, err := r.try(step)
		if err == nil {
			r.Log("%s", strings.Trim(printed, "\n"))
			return nil
		}
		if !step.ReadsOnly() || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.Pause):
		}
	}
}

func (r *Runner) try(step Step) (printed string, err error) {
	printed, status, err := r.Shell.Run(step.Command)
	if err != nil {
		return printed, fmt.Errorf("line %d: %q: %w", step.Line, step.Command, err)
	}
	if (status != 0) != step.WantsFailure() {
		return printed, fmt.Errorf("line %d: %q ended with status %d and printed:\n%s", step.Line, step.Command, status, printed)
	}
	if !step.Matches(printed) {
		return printed, fmt.Errorf("line %d: %q printed:\n%s\nwhere the document says:\n%s",
			step.Line, step.Command, strings.Trim(printed, "\n"), strings.Join(step.Want, "\n"))
	}
	return printed, nil
}
