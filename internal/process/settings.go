// SPDX-License-Identifier: Apache-2.0

package process

import (
	"crypto/tls"
	"flag"
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// off as an address means that nothing is served.
	off = "0"

	metricsFlag   = "metrics-bind-address"
	probeFlag     = "health-probe-bind-address"
	debugFlag     = "debug-bind-address"
	namespaceFlag = "namespace"
	versionFlag   = "version"

	kubeconfigVariable = "KUBECONFIG"

	defaultNamespace = "metallb-system"
	// namespaceFile is where a pod finds the namespace that it runs in.
	namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
)

// Settings are those that all programs have.
type Settings struct {
	// Namespace is where the configuration is.
	Namespace string
	// Class is the loadBalancerClass of the Services to serve; empty stands for those without one.
	Class string

	diagnostics
	metricsAddress, probeAddress string
	// metricsSecure is whether metrics are served over HTTPS, to those who may get them; metricsCertDir is where the
	// certificate is.
	metricsSecure  bool
	metricsCertDir string

	logLevel string
	level    zapcore.Level
	version  bool
	// given are the settings that are not left to their defaults.
	given map[string]string
	// strangers are variables of the environment that look like settings and are none.
	strangers []string
}

func (s *Settings) register(flags *flag.FlagSet) {
	flags.StringVar(&s.metricsAddress, metricsFlag, ":7472", "`address` to serve metrics on; 0 serves none")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true,
		"serve metrics over HTTPS to clients whose token allows them to get /metrics; if false, over HTTP to everyone")
	flags.StringVar(&s.metricsCertDir, "metrics-cert-dir", "",
		"`directory` with tls.crt and tls.key for the metrics endpoint; if unset, a certificate is generated at every start")
	flags.StringVar(&s.probeAddress, probeFlag, ":7473", "`address` to serve /healthz and /readyz on, over HTTP; 0 serves none")
	flags.StringVar(&s.logLevel, "log-level", "info", "log messages of this `level` and above: "+levelNames())
	flags.StringVar(&s.Class, "lb-class", "", "`class` (spec.loadBalancerClass) of the services to serve; if unset, services without a class")
	flags.StringVar(&s.Namespace, namespaceFlag, "", "`name` of the namespace of the configuration; if unset, the namespace of the pod or, outside of a pod, "+defaultNamespace)
	flags.BoolVar(&s.version, versionFlag, false, "print the version and exit")
}

// variables returns the variables of the environment that the program reads.
func (p *Program) variables() []Variable {
	return slices.Concat(p.Variables, []Variable{
		{kubeconfigVariable, "kubeconfig file for the cluster; not needed in a pod"},
	})
}

// complete looks for settings that are wrong or contradict each other.
func (s *Settings) complete() error {
	level, known := levels()[s.logLevel]
	if !known {
		return fmt.Errorf("--log-level=%s: must be %s", s.logLevel, levelNames())
	}
	s.level = level
	if s.logFormat != formatJSON && s.logFormat != formatConsole {
		return fmt.Errorf("--log-format=%s: must be %s or %s", s.logFormat, formatJSON, formatConsole)
	}
	if err := s.checkAddresses(); err != nil {
		return err
	}
	if err := s.checkCertificate(); err != nil {
		return err
	}
	if errs := validation.IsQualifiedName(s.Class); s.Class != "" && len(errs) > 0 {
		return fmt.Errorf("--lb-class=%s: is not a loadBalancerClass such as example.com/name", s.Class)
	}
	if s.Namespace == "" {
		s.Namespace = ownNamespace()
	}
	if len(validation.IsDNS1123Label(s.Namespace)) > 0 {
		return fmt.Errorf("--%s=%s: is not the name of a namespace such as %s", namespaceFlag, s.Namespace, defaultNamespace)
	}
	return nil
}

// ownNamespace returns the namespace of the pod.
func ownNamespace() string {
	if content, err := os.ReadFile(namespaceFile); err == nil {
		return strings.TrimSpace(string(content))
	}
	return defaultNamespace
}

// address is what one flag says to serve on.
type address struct{ flag, value string }

func (a address) String() string { return "--" + a.flag + "=" + a.value }

// addresses are those that the program serves on.
func (s *Settings) addresses() []address {
	return []address{{debugFlag, s.debugAddress}, {metricsFlag, s.metricsAddress}, {probeFlag, s.probeAddress}}
}

// checkAddresses refuses addresses that are none, and ports that are to be served on twice.
func (s *Settings) checkAddresses() error {
	all := s.addresses()
	for i, one := range all {
		host, port, err := one.split()
		if err != nil {
			return err
		}
		if port == 0 {
			continue
		}
		if one.flag == debugFlag && !isLoopback(host) {
			return fmt.Errorf("%s: must be a loopback address such as 127.0.0.1:%d or [::1]:%d, or %s to switch it off", one, port, port, off)
		}
		for _, other := range all[:i] {
			otherHost, otherPort, err := other.split()
			if err == nil && port == otherPort && (host == otherHost || isAny(host) || isAny(otherHost)) {
				return fmt.Errorf("%s and %s use the same port; choose different ports", other, one)
			}
		}
	}
	return nil
}

// Serving returns the flag, with its value, by which the port of this machine is taken; empty if it is free.
func (s *Settings) Serving(port int) string {
	for _, one := range s.addresses() {
		if _, taken, err := one.split(); err == nil && taken == port {
			return one.String()
		}
	}
	return ""
}

// checkCertificate refuses a directory that metrics would not be served with a certificate from.
func (s *Settings) checkCertificate() error {
	if s.metricsCertDir == "" {
		return nil
	}
	if !s.metricsSecure {
		return fmt.Errorf("--metrics-cert-dir=%s: has no effect with --metrics-secure=false; remove one of them", s.metricsCertDir)
	}
	if s.metricsAddress == off {
		return fmt.Errorf("--metrics-cert-dir=%s: has no effect with --%s=%s; remove one of them", s.metricsCertDir, metricsFlag, off)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(s.metricsCertDir, "tls.crt"), filepath.Join(s.metricsCertDir, "tls.key")); err != nil {
		return fmt.Errorf("--metrics-cert-dir=%s: must have a certificate in tls.crt and its key in tls.key: %w", s.metricsCertDir, err)
	}
	return nil
}

// split returns the host and port that are to be served on; port 0 if nothing is.
func (a address) split() (host string, port int, err error) {
	if a.value == off {
		return "", 0, nil
	}
	host, text, err := net.SplitHostPort(a.value)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 1 || port > math.MaxUint16 {
		return "", 0, fmt.Errorf("%s: must be host:port, :port or %s", a, off)
	}
	return host, port, nil
}

// isAny reports whether the host stands for all addresses of the machine.
func isAny(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// levels returns the values of --log-level.
func levels() map[string]zapcore.Level {
	return map[string]zapcore.Level{
		"all": levelAll, "debug": zapcore.DebugLevel, "info": zapcore.InfoLevel,
		"warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel, "none": zapcore.InvalidLevel,
	}
}

// levelNames lists the names of the levels, the most talkative first.
func levelNames() string {
	byName := levels()
	names := slices.SortedFunc(maps.Keys(byName), func(a, b string) int { return int(byName[a]) - int(byName[b]) })
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
