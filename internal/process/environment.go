// SPDX-License-Identifier: Apache-2.0

package process

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"metallb.io/metallb/internal/spelling"
)

// variablePrefix is what the variables of the environment begin with that are this project's.
const variablePrefix = "METALLB_"

// variableOf returns the variable of the environment that stands for a flag; empty if none does.
func variableOf(name string) string {
	if name == versionFlag {
		return "" // It is something to do, not a setting.
	}
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// readFlags sets those flags from the environment that were not given, and returns their names. What is empty is not set, and
// neither is what Kubernetes says of a Service by the same name.
func readFlags(flags *flag.FlagSet, getenv func(string) string) (map[string]bool, error) {
	given, read := map[string]bool{}, map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var first error
	flags.VisitAll(func(f *flag.Flag) {
		variable := variableOf(f.Name)
		if variable == "" || given[f.Name] || first != nil {
			return
		}
		value := getenv(variable)
		if value == "" || isAddressOfService(variable, value) {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = unfit(f, variable, value, err)
			return
		}
		read[f.Name] = true
	})
	return read, first
}

// isAddressOfService reports whether it is the variable that Kubernetes sets for a Service whose name begins like ours, such as
// METALLB_WEBHOOK_PORT=tcp://10.96.0.7:443 for the Service metallb-webhook.
func isAddressOfService(variable, value string) bool {
	return strings.HasSuffix(variable, "_PORT") && strings.Contains(value, "://")
}

// named says of the flags that were read from the environment what they are called there.
func named(err error, read map[string]bool) error {
	if err == nil || len(read) == 0 {
		return err
	}
	var pairs []string
	for name := range read {
		for _, end := range []string{"=", ":", " "} {
			pairs = append(pairs, "--"+name+end, variableOf(name)+end)
		}
	}
	return fmt.Errorf("%s", strings.NewReplacer(pairs...).Replace(err.Error()))
}

// stray looks for variables of this project's that are no setting of the program. One that is all but the name of a setting is
// refused, like a flag that is misspelt. The others are returned: they may be settings of the other program, from one
// ConfigMap for both, so that they are worth a line in the log, but not to keep the program from running.
func (p *Program) stray(flags *flag.FlagSet) ([]string, error) {
	known := make([]string, 0, flags.NFlag()+len(p.Variables))
	flags.VisitAll(func(f *flag.Flag) { known = append(known, variableOf(f.Name)) })
	for _, v := range p.variables() {
		known = append(known, v.Name)
	}
	var strangers []string
	services := servicesIn(p.Environ)
	for _, pair := range p.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(known, name) || services.have(name) {
			continue
		}
		for _, other := range known {
			if spelling.IsMeant(name, other, len(other)-len(variablePrefix)) {
				return nil, fmt.Errorf("%s=%s: unknown setting; did you mean %s? See --help", name, value, other)
			}
		}
		strangers = append(strangers, name)
	}
	slices.Sort(strangers)
	return strangers, nil
}

// services are the names of Services, as Kubernetes writes them in the environment of pods.
type services []string

// servicesIn returns the Services of which the environment tells.
func servicesIn(environ []string) services {
	var found services
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if service, is := strings.CutSuffix(name, "_SERVICE_HOST"); is {
			found = append(found, service)
		}
	}
	return found
}

// have reports whether Kubernetes has set the variable for one of the Services.
func (s services) have(variable string) bool {
	return slices.ContainsFunc(s, func(service string) bool {
		rest, is := strings.CutPrefix(variable, service+"_")
		return is && (rest == "SERVICE_HOST" || rest == "SERVICE_PORT" || rest == "PORT" ||
			strings.HasPrefix(rest, "SERVICE_PORT_") || strings.HasPrefix(rest, "PORT_"))
	})
}
