package setters

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
)

// Kustomized is what a kustomization refers to, and the images in it that have
// markers.
type Kustomized struct {
	Images    []ImageAt // names of the "images" entries with a marker, and the marker's line
	Resources []string  // files, folders and URLs, as written
}

// ImageAt is the name of an image and its line in a file. Lines count from 1.
type ImageAt struct {
	Image string
	Line  int
}

// Kustomize reads a kustomization. The result is empty if data isn't one, or
// isn't YAML.
func Kustomize(data []byte) Kustomized {
	var k Kustomized
	documents, _ := parse(data) // Find reports errors of it
	for _, document := range documents {
		if len(document.Content) != 1 {
			continue
		}
		root := document.Content[0]
		for _, resource := range items(child(root, "resources")) {
			k.Resources = append(k.Resources, resource.Value)
		}
		for _, entry := range items(child(root, "images")) {
			for _, key := range []string{"newName", "newTag", "digest"} {
				if value := child(entry, key); value != nil && strings.Contains(value.LineComment, token) {
					k.Images = append(k.Images, ImageAt{text(entry, "name"), value.Line})
					break
				}
			}
		}
	}
	return k
}

// items returns the items of a sequence, and none for any other node.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// kustomizable matches what kustomize accepts behind an image's name (api
// v0.21.2, internal/image.IsImageMatched). With anything else there it leaves
// the image alone.
var kustomizable = pinsetter.Pattern(`^(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$`)

// PassedOver returns the first "image" in a file that has this name and that
// kustomize leaves alone, because the text behind the name isn't a tag to it:
// "app:${tag}", "app:1.0+b". It returns false if there is none.
func PassedOver(data []byte, name string) (ImageAt, bool) {
	if name == "" || !strings.Contains(string(data), name+":") && !strings.Contains(string(data), name+"@") {
		return ImageAt{}, false
	}
	documents, _ := parse(data)
	for _, document := range documents {
		if found, ok := passedOver(document, name); ok {
			return found, true
		}
	}
	return ImageAt{}, false
}

// passedOver is PassedOver for a node and its descendants.
func passedOver(node *yaml.Node, name string) (ImageAt, bool) {
	for i, content := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == "image" {
			rest, ours := strings.CutPrefix(content.Value, name)
			if ours && rest != "" && strings.IndexByte(":@", rest[0]) >= 0 && !kustomizable().MatchString(rest) {
				return ImageAt{content.Value, content.Line}, true
			}
		}
		if found, ok := passedOver(content, name); ok {
			return found, true
		}
	}
	return ImageAt{}, false
}
