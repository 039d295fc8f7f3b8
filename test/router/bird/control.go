// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"metallb.io/metallb/test/router/child"
)

// control is a connection to the daemon's control socket, the one birdc uses.
type control struct {
	conn   net.Conn
	reader *bufio.Reader
}

// dial connects and reads the greeting. The context bounds all use of the connection.
func dial(ctx context.Context, socket string) (*control, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connecting to bird: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	c := &control{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
	if _, err := c.reply(); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting of bird: %w", err), conn.Close())
	}
	return c, nil
}

func (c *control) close() { _ = c.conn.Close() }

// ask sends a command and returns the reply as birdc prints it.
func (c *control) ask(command string) (string, error) {
	if _, err := fmt.Fprintln(c.conn, command); err != nil {
		return "", fmt.Errorf("asking bird %q: %w", command, err)
	}
	text, err := c.reply()
	if err != nil {
		return "", fmt.Errorf("asking bird %q: %w", command, err)
	}
	return text, nil
}

// reply reads one reply. Its lines start with a four-digit code and "-", the last one with the code and a space; a
// line that continues the code before starts with a space. Codes from 8000 on are errors.
func (c *control) reply() (string, error) {
	var b strings.Builder
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, " "):
			b.WriteString(line[1:] + "\n")
			continue
		case strings.HasPrefix(line, "+"): // an asynchronous message
			continue
		case len(line) < 5:
			return "", fmt.Errorf("unexpected line %q", line)
		}
		code, last, text := line[:4], line[4] == ' ', line[5:]
		if code >= "8000" {
			return "", fmt.Errorf("code %s: %s", code, text)
		}
		if text != "" || !last {
			b.WriteString(text + "\n")
		}
		if last {
			return b.String(), nil
		}
	}
}

// Ask asks the daemon that has the control socket, and returns its reply as birdc prints it. What the daemon refuses is an error.
func Ask(ctx context.Context, socket, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	c, err := dial(ctx, socket)
	if err != nil {
		return "", err
	}
	defer c.close()
	return c.ask(command)
}

// answerWait is how long the daemon may take to answer.
const answerWait = 20 * time.Second

// awaitSocket returns once the daemon answers.
func awaitSocket(ctx context.Context, socket string) error {
	return child.Await(ctx, func(ctx context.Context) error {
		c, err := dial(ctx, socket)
		if err == nil {
			c.close()
		}
		return err
	})
}
