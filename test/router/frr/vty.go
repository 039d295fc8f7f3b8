// SPDX-License-Identifier: Apache-2.0

package frr

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// vty is a connection to a daemon's command socket, the one vtysh uses.
type vty struct {
	conn   net.Conn
	reader *bufio.Reader
}

// dial connects. The context bounds all use of the connection.
func dial(ctx context.Context, socket string) (*vty, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connecting to frr: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return &vty{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (v *vty) close() { _ = v.conn.Close() }

// ask sends a command and returns its output. A command ends with a zero byte; its output with three, and a fourth
// byte that is zero when the command succeeded.
func (v *vty) ask(command string) (string, error) {
	if _, err := v.conn.Write(append([]byte(command), 0)); err != nil {
		return "", fmt.Errorf("asking frr %q: %w", command, err)
	}
	var text bytes.Buffer
	for {
		part, err := v.reader.ReadBytes(0)
		text.Write(part)
		if err != nil {
			return "", fmt.Errorf("asking frr %q: %w", command, err)
		}
		if bytes.HasSuffix(text.Bytes(), []byte{0, 0, 0}) {
			break
		}
	}
	var status [1]byte
	if _, err := io.ReadFull(v.reader, status[:]); err != nil {
		return "", fmt.Errorf("asking frr %q: %w", command, err)
	}
	output := string(bytes.TrimRight(text.Bytes(), "\x00"))
	if status[0] != 0 {
		return "", fmt.Errorf("asking frr %q: status %d: %s", command, status[0], output)
	}
	return output, nil
}

// answerWait is how long a daemon that was just started may take to open its socket.
const answerWait = 10 * time.Second

// awaitSocket returns once a daemon accepts connections on a socket.
func awaitSocket(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		v, err := dial(ctx, socket)
		if err == nil {
			v.close()
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
