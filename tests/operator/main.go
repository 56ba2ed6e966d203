// Reads manifests of the Prometheus operator from standard input with the operator's own types. An unknown key or a value of another type is an error.
package main

import (
	"fmt"
	"io"
	"os"
	"regexp"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	for _, document := range regexp.MustCompile(`(?m)^---\n`).Split(string(text), -1) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			fail(err)
		}
		var into any
		switch kind.Kind {
		case "":
			continue
		case "ServiceMonitor":
			into = new(monitoring.ServiceMonitor)
		case "PodMonitor":
			into = new(monitoring.PodMonitor)
		case "PrometheusRule":
			into = new(monitoring.PrometheusRule)
		default:
			fail(fmt.Errorf("unknown kind %s", kind.Kind))
		}
		if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
			fail(fmt.Errorf("%s: %w", kind.Kind, err))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
