// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/internal/drain"
)

// setting returns the value of a setting of a program, by the flag or the variable of the environment that it is given by in the pods that are
// made from the template; false if it is given by neither. Without a value, a flag is true.
func setting(pods *corev1.PodTemplateSpec, flag string) (string, bool) {
	variable := "METALLB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	for _, container := range pods.Spec.Containers {
		for i, arg := range container.Args {
			name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
			switch {
			case name != flag || !strings.HasPrefix(arg, "-"):
			case hasValue:
				return value, true
			case i+1 < len(container.Args) && !strings.HasPrefix(container.Args[i+1], "-"):
				return container.Args[i+1], true
			default:
				return "true", true
			}
		}
		for _, v := range container.Env {
			if v.Name == variable && v.Value != "" {
				return v.Value, true
			}
		}
	}
	return "", false
}

// class returns the class of Services that the controller serves.
func (c *Cluster) class() string {
	if c.Controller == nil {
		return ""
	}
	class, _ := setting(&c.Controller.Spec.Template, "lb-class")
	return class
}

// DrainRules returns by which signals the speakers drain their nodes.
func (c *Cluster) DrainRules() drain.Rules {
	rules := drain.Rules{Taints: drain.DefaultTaints()}
	if c.Speakers == nil {
		return rules
	}
	if keys, found := setting(&c.Speakers.Spec.Template, "drain-taints"); found {
		rules.Taints = nil
		for key := range strings.SplitSeq(keys, ",") {
			if key = strings.TrimSpace(key); key != "" {
				rules.Taints = append(rules.Taints, key)
			}
		}
	}
	cordoned, _ := setting(&c.Speakers.Spec.Template, "drain-unschedulable")
	rules.Unschedulable, _ = strconv.ParseBool(cordoned) // As the speaker reads it.
	return rules
}
