package hook

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Bodies of senders without a signature. As in Flux, only their shape is
// checked; the secret path keeps strangers out.

// https://docs.docker.com/docker-hub/repos/manage/webhooks/
type dockerHub struct {
	PushData struct {
		Tag string `json:"tag"`
	} `json:"push_data"`
	Repository struct {
		URL string `json:"repo_url"`
	} `json:"repository"`
}

// https://docs.quay.io/guides/notifications.html
type quay struct {
	DockerURL   string   `json:"docker_url"`
	UpdatedTags []string `json:"updated_tags"`
}

// https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
type acr struct {
	Action string `json:"action"`
	Target struct {
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
	} `json:"target"`
}

// https://help.sonatype.com/en/example-headers-and-payloads.html
type nexus struct {
	Action         string `json:"action"`
	RepositoryName string `json:"repositoryName"`
}

// https://cloud.google.com/pubsub/docs/push#receive_push
type pubSub struct {
	Message struct {
		Data string `json:"data"` // a gcr, in base64
	} `json:"message"`
}

// https://cloud.google.com/artifact-registry/docs/configure-notifications
type gcr struct {
	Action string `json:"action"`
	Digest string `json:"digest"`
	Tag    string `json:"tag"`
}

// reads refuses a body that isn't a JSON object of this shape.
func (d delivery) reads(shape any) error { return readObject(d.body, shape) }

// beginsWith refuses a body that doesn't begin with a JSON object of this
// shape. Flux doesn't look at what follows.
func (d delivery) beginsWith(shape any) error {
	var first json.RawMessage
	if json.NewDecoder(bytes.NewReader(d.body)).Decode(&first) != nil {
		return errors.New("the body is not a JSON object")
	}
	return readObject(first, shape)
}

func readObject(data []byte, shape any) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil || object == nil {
		return errors.New("the body is not a JSON object")
	}
	if json.Unmarshal(data, shape) != nil {
		return errors.New("the body is JSON of another shape than its type of sender has")
	}
	return nil
}

// checkGCR lets in deliveries of Pub/Sub by the account that the Secret names.
func checkGCR(ctx context.Context, h *Handler, d delivery) error {
	if err := h.google.check(ctx, d); err != nil {
		return err
	}
	var pushed pubSub
	if err := d.reads(&pushed); err != nil {
		return err
	}
	data, err := base64.StdEncoding.DecodeString(pushed.Message.Data)
	if err != nil {
		return errors.New("the message's data is not base64")
	}
	if err := readObject(data, &gcr{}); err != nil {
		return fmt.Errorf("in the message's data: %w", err)
	}
	return nil
}
