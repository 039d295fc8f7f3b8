// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

const (
	consoleTime = "2006-01-02 15:04:05.000"
	// messageWidth aligns what follows the messages; some are longer.
	messageWidth = 48
)

// The colours of a terminal (ECMA-48 section 8.3.117).
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	faint  = "\x1b[2m"
	plain  = "\x1b[0m"
)

// consoleEncoder writes lines for people: time, level, message, and what belongs to it as key=value.
type consoleEncoder struct {
	// Encoder gathers the values.
	zapcore.Encoder

	coloured bool
	lines    buffer.Pool
}

func newConsoleEncoder(coloured bool) consoleEncoder {
	values := zapcore.NewJSONEncoder(zapcore.EncoderConfig{EncodeDuration: zapcore.StringDurationEncoder})
	return consoleEncoder{values, coloured, buffer.NewPool()}
}

// Clone returns an encoder that can be added values to.
func (c consoleEncoder) Clone() zapcore.Encoder {
	return consoleEncoder{c.Encoder.Clone(), c.coloured, c.lines}
}

// EncodeEntry returns the line.
func (c consoleEncoder) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	values, err := c.Encoder.EncodeEntry(zapcore.Entry{}, fields)
	if err != nil {
		return nil, err
	}
	defer values.Free()
	message := legible(e.Message)
	if e.LoggerName != "" {
		message = e.LoggerName + ": " + message
	}
	pairs, err := c.pairs(values.Bytes())
	if err != nil {
		return nil, err
	}
	if pairs != "" {
		message = fmt.Sprintf("%-*s %s", messageWidth, message, pairs)
	}
	line := c.lines.Get()
	level := fmt.Sprintf("%-5s", levelName(e.Level))
	fmt.Fprintf(line, "%s %s %s\n", e.Time.Format(consoleTime), c.paint(colourOf(e.Level), strings.ToUpper(level)), message)
	return line, nil
}

// pairs writes the members of a JSON object.
func (c consoleEncoder) pairs(object []byte) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return "", fmt.Errorf("reading the values of a message: %w", err)
	}
	var pairs []string
	for decoder.More() {
		var value json.RawMessage
		key, err := decoder.Token()
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return "", fmt.Errorf("reading the values of a message: %w", err)
		}
		pairs = append(pairs, c.paint(faint, fmt.Sprint(key, "="))+valueOf(value))
	}
	return strings.Join(pairs, " "), nil
}

// valueOf writes a text without quotes where it can be told without them.
func valueOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// legible quotes what would break the line or command the terminal.
func legible(message string) string {
	if strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(message)
	}
	return message
}

func (c consoleEncoder) paint(colour, text string) string {
	if !c.coloured || colour == "" {
		return text
	}
	return colour + text + plain
}

func colourOf(l zapcore.Level) string {
	switch {
	case l >= zapcore.ErrorLevel:
		return red
	case l == zapcore.WarnLevel:
		return yellow
	case l < zapcore.InfoLevel:
		return faint
	default:
		return ""
	}
}

// isTerminal reports whether a person reads what is written.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
