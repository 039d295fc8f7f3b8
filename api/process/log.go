// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	stdlog "log"
	"strings"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// levelAll shows messages up to verbosity 5. From 8 on client-go logs what the API server answers, passwords and all.
const levelAll = zapcore.Level(-5)

// setUpLog makes the program, controller-runtime, client-go and Go's own servers log to w, and returns the program's
// logger.
func setUpLog(level zapcore.Level, w io.Writer) logr.Logger {
	logger := newLogger(level, w)
	quiet := logr.New(background{logger.GetSink()})
	ctrl.SetLogger(quiet)
	klog.SetLogger(quiet.WithName("client-go"))
	stdlog.SetFlags(0)
	stdlog.SetOutput(standard{quiet.WithName("go")})
	return logger
}

// standard takes what Go's own packages log, such as a client that does not trust a server's certificate.
type standard struct{ logger logr.Logger }

// Write logs a message.
func (s standard) Write(message []byte) (int, error) {
	s.logger.Info(strings.TrimSpace(string(message)))
	return len(message), nil
}

// newLogger returns a logger that writes a line of JSON for each message.
func newLogger(level zapcore.Level, w io.Writer) logr.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeLevel = func(l zapcore.Level, to zapcore.PrimitiveArrayEncoder) {
		to.AppendString(max(l, zapcore.DebugLevel).String())
	}
	return zapr.NewLogger(zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding), zapcore.Lock(zapcore.AddSync(w)), level)))
}

// background is the log of libraries. Their news, such as each start of a worker, are details to those who run the
// program; their errors are errors.
//
// What is logged within a reconciliation is the program's own: controller-runtime hands out the logger for it, and marks it
// with an ID. What a program logs elsewhere, it logs by the logger that Program.Run is given.
type background struct{ logr.LogSink }

// reconcileIDKey is the key by which controller-runtime marks what is logged within a reconciliation.
const reconcileIDKey = "reconcileID"

// Enabled reports whether messages of the level are logged.
func (b background) Enabled(level int) bool { return b.LogSink.Enabled(level + 1) }

// Info logs a message at a level above its own.
func (b background) Info(level int, message string, keysAndValues ...any) {
	b.LogSink.Info(level+1, message, keysAndValues...)
}

// Error logs the text of an error, of which some libraries make a stack trace. That somebody else has written an object
// meanwhile is no error: they try again.
func (b background) Error(err error, message string, keysAndValues ...any) {
	switch {
	case apierrors.IsConflict(err):
		b.Info(0, message, append(keysAndValues, "error", err.Error())...)
	case err != nil:
		b.LogSink.Error(errors.New(err.Error()), message, keysAndValues...)
	default:
		b.LogSink.Error(nil, message, keysAndValues...)
	}
}

// WithName returns the log with the name.
func (b background) WithName(name string) logr.LogSink { return background{b.LogSink.WithName(name)} }

// WithValues returns the log with the values, which is the program's own in a reconciliation.
func (b background) WithValues(keysAndValues ...any) logr.LogSink {
	sink := b.LogSink.WithValues(keysAndValues...)
	for i := 0; i < len(keysAndValues); i += 2 {
		if keysAndValues[i] == reconcileIDKey {
			return sink
		}
	}
	return background{sink}
}
