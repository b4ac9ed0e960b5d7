package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// delivery is one request to a receiver.
type delivery struct {
	to     *fleet.Receiver
	header http.Header
	body   []byte
}

// checks returns, by type of receiver, why a delivery is refused. A type
// without a check lets nothing in.
var checks = map[string]func(context.Context, *Handler, delivery) error{
	fleet.ReceiverGeneric:     func(context.Context, *Handler, delivery) error { return nil },
	fleet.ReceiverGenericHMAC: func(_ context.Context, _ *Handler, d delivery) error { return d.signed("X-Signature") },
	fleet.ReceiverGitHub:      checkGitHub,
	fleet.ReceiverGitLab:      checkGitLab,
	fleet.ReceiverBitbucket:   checkBitbucket,
	fleet.ReceiverHarbor: func(_ context.Context, _ *Handler, d delivery) error {
		return d.bearsToken("Authorization", "auth header")
	},
	fleet.ReceiverDockerHub: func(_ context.Context, _ *Handler, d delivery) error { return d.beginsWith(&dockerHub{}) },
	fleet.ReceiverQuay:      func(_ context.Context, _ *Handler, d delivery) error { return d.beginsWith(&quay{}) },
	fleet.ReceiverACR:       func(_ context.Context, _ *Handler, d delivery) error { return d.beginsWith(&acr{}) },
	fleet.ReceiverNexus:     checkNexus,
	fleet.ReceiverGCR:       checkGCR,
	fleet.ReceiverCDEvents:  checkCDEvents,
}

// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
func checkGitHub(_ context.Context, _ *Handler, d delivery) error {
	if err := d.signed("X-Hub-Signature-256", "X-Hub-Signature"); err != nil {
		return err
	}
	return d.listed("X-GitHub-Event")
}

// https://docs.gitlab.com/user/project/integrations/webhooks/
func checkGitLab(_ context.Context, _ *Handler, d delivery) error {
	if err := d.bearsToken("X-Gitlab-Token", "secret token, not as a signing token"); err != nil {
		return err
	}
	return d.listed("X-Gitlab-Event")
}

// https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html
func checkBitbucket(_ context.Context, _ *Handler, d delivery) error {
	if err := d.signed("X-Hub-Signature-256", "X-Hub-Signature"); err != nil {
		return err
	}
	return d.listed("X-Event-Key")
}

// https://help.sonatype.com/en/working-with-hmac-payloads.html
func checkNexus(_ context.Context, _ *Handler, d delivery) error {
	const header = "X-Nexus-Webhook-Signature"
	sum, err := hex.DecodeString(d.header.Get(header))
	if err != nil || len(sum) == 0 || !d.matches(sha1.New, sum) {
		return fmt.Errorf("its header %s is not the HMAC-SHA1 of the body with the token, in hex", header)
	}
	return d.reads(&nexus{})
}

// algorithms of a signature "name=hex".
var algorithms = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// signed refuses a body that isn't signed with the token. It reads the first of
// the headers that is present.
func (d delivery) signed(headers ...string) error {
	for _, header := range headers {
		signature := d.header.Get(header)
		if signature == "" {
			continue
		}
		algorithm, sum, _ := strings.Cut(signature, "=")
		given, err := hex.DecodeString(sum)
		if newHash := algorithms[algorithm]; err == nil && newHash != nil && d.matches(newHash, given) {
			return nil
		}
		return fmt.Errorf("its header %s is not a signature of the body with the token", header)
	}
	return fmt.Errorf("it has no header %s: set the token as the sender's secret", headers[0])
}

// matches reports whether sum is the body's HMAC with the token.
func (d delivery) matches(newHash func() hash.Hash, sum []byte) bool {
	mac := hmac.New(newHash, []byte(d.to.Token.Reveal()))
	mac.Write(d.body)
	return hmac.Equal(sum, mac.Sum(nil))
}

// bearsToken refuses a delivery whose header isn't the token, which the sender
// knows by the given word. Its timing reveals nothing about either, not even a
// length.
func (d delivery) bearsToken(header, word string) error {
	if d.header.Get(header) == "" {
		return fmt.Errorf("it has no header %s: set the token as the sender's %s", header, word)
	}
	given, want := sha256.Sum256([]byte(d.header.Get(header))), sha256.Sum256([]byte(d.to.Token.Reveal()))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return fmt.Errorf("its header %s is not the token", header)
	}
	return nil
}

// listed refuses an event, named by a header, that spec.events doesn't list.
func (d delivery) listed(header string) error { return d.lists(d.header.Get(header), header) }

// lists refuses an event that spec.events doesn't list.
func (d delivery) lists(event, header string) error {
	if len(d.to.Events) == 0 || slices.ContainsFunc(d.to.Events, func(e string) bool { return strings.EqualFold(e, event) }) {
		return nil
	}
	if event == "" {
		return fmt.Errorf("it has no header %s, and spec.events lists events", header)
	}
	return errors.New("its event is not in spec.events")
}
