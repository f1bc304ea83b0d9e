// Reads Kubernetes manifests into Kubernetes' own types, strictly: a field that is unknown, misspelt, said twice or of
// the wrong kind is an error. Prints each object; says nothing of what a cluster's admission would. Then what must hold
// of the daemon's pods whatever else changes. Writes the files of each ConfigMap and Secret to the folder that is named second.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func object(kind string) any {
	switch kind {
	case "v1/Namespace":
		return &core.Namespace{}
	case "v1/ServiceAccount":
		return &core.ServiceAccount{}
	case "v1/ConfigMap":
		return &core.ConfigMap{}
	case "v1/Secret":
		return &core.Secret{}
	case "v1/Service":
		return &core.Service{}
	case "apps/v1/DaemonSet":
		return &apps.DaemonSet{}
	}
	return nil
}

func check(text []byte) error {
	var head meta.PartialObjectMetadata
	if err := yaml.Unmarshal(text, &head); err != nil {
		return err
	}
	kind := head.APIVersion + "/" + head.Kind
	into := object(kind)
	if into == nil {
		return fmt.Errorf("nobody knows %q here", kind)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("%s %s: %w", kind, head.Name, err)
	}
	fmt.Println(kind, head.Name)
	switch it := into.(type) {
	case *apps.DaemonSet:
		return checkPods(it)
	case *core.ConfigMap:
		return write(it.Data)
	case *core.Secret:
		return write(it.StringData)
	case *core.Service:
		return checkService(it)
	}
	return nil
}

func write(files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(os.Args[2], name), []byte(text), 0600); err != nil {
			return err
		}
	}
	return nil
}

// What the daemon and containerd both name must be at one path for both, and mounts must be seen by both.
func checkPods(it *apps.DaemonSet) error {
	pod := it.Spec.Template.Spec
	daemon := pod.Containers[0]
	for _, volume := range pod.Volumes {
		for _, mount := range daemon.VolumeMounts {
			if volume.HostPath != nil && mount.Name == volume.Name && mount.MountPath != volume.HostPath.Path {
				return fmt.Errorf("%s is at %s in the container", volume.HostPath.Path, mount.MountPath)
			}
			if mount.Name == "run" && *mount.MountPropagation != core.MountPropagationBidirectional {
				return errors.New("containerd would not see the pins of networks")
			}
		}
	}
	unavailable := it.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable
	held := map[string]bool{
		"the network of the node":     pod.HostNetwork && pod.HostPID,
		"the resolvers of the node":   pod.DNSPolicy == core.DNSDefault,
		"no token":                    !*pod.AutomountServiceAccountToken,
		"one node at a time":          unavailable.IntValue() == 1,
		"time to finish":              *pod.TerminationGracePeriodSeconds > 90,
		"alive is /healthz":           daemon.LivenessProbe.HTTPGet.Path == "/healthz",
		"ready is /readyz":            daemon.ReadinessProbe.HTTPGet.Path == "/readyz",
		"the image is the same twice": daemon.Image == pod.InitContainers[0].Image,
	}
	for what, holds := range held {
		if !holds {
			return errors.New("does not hold: " + what)
		}
	}
	return nil
}

// Sandboxes can be reached while their node takes no new ones.
func checkService(it *core.Service) error {
	if !it.Spec.PublishNotReadyAddresses {
		return errors.New(it.Name + " loses the sandboxes of a node that drains")
	}
	return nil
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	for _, part := range bytes.Split(text, []byte("\n---\n")) {
		if err == nil {
			err = check(part)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
