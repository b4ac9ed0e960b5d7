package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// manifests are the media types that the demo's images, charts and artifacts have.
const manifests = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

// push gives the newest content of an image, which the tag from has, another tag,
// as a publisher does who releases it.
func push(registry, image, from, tag string) error {
	at := "http://" + registry + "/v2/" + image + "/manifests/"
	get, err := http.NewRequest(http.MethodGet, at+from, nil)
	if err != nil {
		return err
	}
	get.Header.Set("Accept", manifests)
	old, err := send(get)
	if err != nil {
		return err
	}
	put, err := http.NewRequest(http.MethodPut, at+tag, bytes.NewReader(old.body))
	if err != nil {
		return err
	}
	put.Header.Set("Content-Type", old.contentType)
	_, err = send(put)
	return err
}

// answer is what a registry said.
type answer struct {
	contentType string
	body        []byte
}

func send(r *http.Request) (answer, error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return answer{}, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return answer{}, fmt.Errorf("%s %s: %s", r.Method, r.URL, response.Status)
	}
	return answer{response.Header.Get("Content-Type"), body}, nil
}

// runPush is the demo's command push: REGISTRY IMAGE:FROM TAG.
func runPush(args []string) error {
	if len(args) != 3 {
		return errors.New("push IMAGE:TAG NEWTAG gives the content of one tag another, such as push apps/podinfo:6.1.0 6.2.0")
	}
	image, from, _ := strings.Cut(args[1], ":")
	return push(args[0], image, from, args[2])
}
