// SPDX-License-Identifier: Apache-2.0

package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// life is what a page is told even if nothing has changed.
type life struct {
	// Answered is when the API server has answered last; Failure is why it does not now.
	Answered time.Time `json:"answered"`
	Failure  string    `json:"failure"`
}

// events sends the front, and what changes of it as a merge patch (RFC 7396), as server-sent events. Each is one line, since JSON has no line
// breaks outside of strings.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(s.heartbeat)
	defer beat.Stop()
	var sent []byte
	for {
		now, changed := s.board.wait()
		if err := sendFront(w, sent, now.front); err != nil {
			return
		}
		sent = now.front
		if err := send(w, "life", life{now.answered, now.failure}); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-beat.C:
		}
	}
}

// sendFront sends the front whole if none was sent yet, and else what has changed.
func sendFront(w http.ResponseWriter, sent, front []byte) error {
	switch {
	case bytes.Equal(sent, front):
		return nil
	case sent == nil:
		return send(w, "front", json.RawMessage(front))
	}
	patch, err := jsonpatch.CreateMergePatch(sent, front)
	if err != nil {
		return err
	}
	return send(w, "change", json.RawMessage(patch))
}

func send(w http.ResponseWriter, event string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "retry: 1000\nevent: %s\ndata: %s\n\n", event, data)
	return err
}
