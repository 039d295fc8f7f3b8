// SPDX-License-Identifier: Apache-2.0

// Package vty asks the daemons of FRR through their command sockets, as vtysh does.
package vty

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"metallb.io/metallb/test/router/child"
)

// Conn is a connection to a daemon's command socket. Only one goroutine at a time may use it.
type Conn struct {
	conn   net.Conn
	reader *bufio.Reader
}

// Dial connects. The deadline of the context is that of all use of the connection.
func Dial(ctx context.Context, socket string) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connecting to frr: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return &Conn{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Ask sends a command and returns its output. A command ends with a zero byte; its output with three, and a fourth
// byte that is zero when the command succeeded.
func (c *Conn) Ask(command string) (string, error) {
	if _, err := c.conn.Write(append([]byte(command), 0)); err != nil {
		return "", fmt.Errorf("asking frr %q: %w", command, err)
	}
	var text bytes.Buffer
	for {
		part, err := c.reader.ReadBytes(0)
		text.Write(part)
		if err != nil {
			return "", fmt.Errorf("asking frr %q: %w", command, err)
		}
		if bytes.HasSuffix(text.Bytes(), []byte{0, 0, 0}) {
			break
		}
	}
	var status [1]byte
	if _, err := io.ReadFull(c.reader, status[:]); err != nil {
		return "", fmt.Errorf("asking frr %q: %w", command, err)
	}
	output := string(bytes.TrimRight(text.Bytes(), "\x00"))
	if status[0] != 0 {
		return "", fmt.Errorf("asking frr %q: status %d: %s", command, status[0], output)
	}
	return output, nil
}

// Ask connects, sends commands of which the last needs the ones before, and returns what the daemon says to the last.
func Ask(ctx context.Context, socket string, commands ...string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	c, err := Dial(ctx, socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, command := range append([]string{"enable"}, commands...) {
		if output, err = c.Ask(command); err != nil {
			return output, err
		}
	}
	return output, nil
}

// answerWait is how long a daemon may take to answer all commands of Ask.
const answerWait = 10 * time.Second

// Await returns once a daemon accepts connections on a socket.
func Await(ctx context.Context, socket string) error {
	return child.Await(ctx, func(ctx context.Context) error {
		c, err := Dial(ctx, socket)
		if err == nil {
			c.Close()
		}
		return err
	})
}
