// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.uber.org/zap/zapcore"
)

// maxLevelLength bounds what is read of a level.
const maxLevelLength = 256

// levelAnswer is what the debug endpoint tells of the level, and takes.
type levelAnswer struct {
	Level string `json:"level"`
}

func (d *debug) tellLevel(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, levelAnswer{nameOfLevel(d.level.Level())})
}

// setLevel takes the name of a level, or the object that tellLevel tells.
func (d *debug) setLevel(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevelLength))
	if err != nil {
		write(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	asked := levelAnswer{Level: strings.TrimSpace(string(body))}
	_ = json.Unmarshal(body, &asked) // What is no object is the level itself.
	level, known := levels()[asked.Level]
	if !known {
		write(w, http.StatusBadRequest, problem{fmt.Sprintf("level %q: must be %s", asked.Level, levelNames())})
		return
	}
	d.changeLevel(level)
	d.tellLevel(w, r)
}

// changeLevel logs the change while the more talkative of both levels is set.
func (d *debug) changeLevel(level zapcore.Level) {
	before := d.level.Level()
	if level < before {
		d.level.SetLevel(level)
	}
	d.logger.Info("changing the level of the log", "from", nameOfLevel(before), "to", nameOfLevel(level))
	d.level.SetLevel(level)
}

// nameOfLevel is the inverse of levels.
func nameOfLevel(level zapcore.Level) string {
	for name, l := range levels() {
		if l == level {
			return name
		}
	}
	return level.String()
}
