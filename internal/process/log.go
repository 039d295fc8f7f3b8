// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	stdlog "log"
	"slices"
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

// The values of --log-format.
const (
	formatJSON    = "json"
	formatConsole = "console"
)

// noColourVariable says, if it is set, that nothing is to be coloured (no-color.org).
const noColourVariable = "NO_COLOR"

// setUpLog makes the program, controller-runtime, client-go and Go's own servers log to w, and returns the program's
// logger.
func setUpLog(level zapcore.LevelEnabler, encoder zapcore.Encoder, w io.Writer) logr.Logger {
	logger := newLogger(level, encoder, w)
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

// newLogger returns a logger that writes a line for each message.
func newLogger(level zapcore.LevelEnabler, encoder zapcore.Encoder, w io.Writer) logr.Logger {
	return zapr.NewLogger(zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)))
}

// encoderOf returns what writes lines of the format to w.
func encoderOf(format string, w io.Writer, getenv func(string) string) zapcore.Encoder {
	if format == formatConsole {
		return newConsoleEncoder(isTerminal(w) && getenv(noColourVariable) == "")
	}
	return newJSONEncoder()
}

// newJSONEncoder returns what writes each line as an object of JSON.
func newJSONEncoder() zapcore.Encoder {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeLevel = func(l zapcore.Level, to zapcore.PrimitiveArrayEncoder) { to.AppendString(levelName(l)) }
	return zapcore.NewJSONEncoder(encoding)
}

// levelName returns the level as it is written in a line.
func levelName(l zapcore.Level) string { return max(l, zapcore.DebugLevel).String() }

// ReconcilerLog returns the loggers of a reconciler: its name, and by the key what it reconciles, if there are several of
// these.
func ReconcilerLog(mgr ctrl.Manager, name, key string) func(*ctrl.Request) logr.Logger {
	logger := mgr.GetLogger().WithName(name)
	return func(request *ctrl.Request) logr.Logger {
		if request == nil || key == "" {
			return logger
		}
		return logger.WithValues(key, request.String())
	}
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

// WithValues returns the log with the values, which is the program's own in a reconciliation. Its ID is left out: what is
// reconciled has a name, and is never reconciled twice at a time.
func (b background) WithValues(keysAndValues ...any) logr.LogSink {
	for i := 0; i < len(keysAndValues); i += 2 {
		if keysAndValues[i] == reconcileIDKey {
			rest := slices.Delete(slices.Clone(keysAndValues), i, min(i+2, len(keysAndValues)))
			if len(rest) == 0 {
				return b.LogSink // This is for each reconciliation, and to add nothing costs a copy.
			}
			return b.LogSink.WithValues(rest...)
		}
	}
	return background{b.LogSink.WithValues(keysAndValues...)}
}
