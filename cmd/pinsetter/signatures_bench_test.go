package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
)

// signedCrowd is a crowd of images with a policy each. Every marker shows a tag one
// behind the newest, which is signed, and gets tag and digest.
type signedCrowd struct {
	*crowd
	images int
	plain  string // the file of the objects without a Gate; objects has one
	before string // the commit that is one behind
}

// signing is how the images of a crowd are signed, and the Gate's rule and the Secret
// that trust these signatures.
type signing struct {
	sign         func(image, digest string)
	rule, secret string // the Secret's name is "trust", and this its stringData
}

// newSignedCrowd returns a crowd of so many images, signed as how says.
func newSignedCrowd(b *testing.B, images int, how func(b *testing.B, on *parts.Shelf) signing) *signedCrowd {
	b.Helper()
	c := &signedCrowd{crowd: lagging(b, images, images, 1), images: images}
	s := how(b, &c.registry.Shelf)
	for i := range images {
		image := fmt.Sprintf("org/app-%d", i)
		s.sign(image, c.registry.PushSame(image, "1.99.0"))
	}
	c.edit(b, func(text string) string {
		return strings.ReplaceAll(text, "policy: {semver: {range: 1.x}}}", "policy: {semver: {range: 1.x}}, digestReflectionPolicy: Always, interval: 5m}")
	})
	text, err := os.ReadFile(c.objects)
	if err != nil {
		b.Fatal(err)
	}
	c.plain = filed(b, "plain.yaml", string(text))
	c.edit(b, func(text string) string {
		return text + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: trust}\nstringData: " + s.secret + "\n" +
			"---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: signed}\nspec: {verify: [" + s.rule + "]}\n"
	})
	c.before = c.repo.Head("main")
	return c
}

// run is a run of the program over the objects of a file. One that isn't quiet has to
// write each image's digest, and a quiet one nothing.
func (c *signedCrowd) run(b *testing.B, program, objects, state string, quiet bool) cost {
	b.Helper()
	before := c.repo.Head("main")
	cost := measure(b, program, "run", "--state", state, "-f", objects)
	if wrote := c.repo.Head("main") != before; wrote == quiet {
		b.Fatalf("it wrote: %v", wrote)
	}
	if n := strings.Count(c.repo.Git("grep", "-h", "image:", "main"), ":1.99.0@sha256:"); n != c.images {
		b.Fatalf("%d of %d images are written", n, c.images)
	}
	return cost
}

// asked returns how many requests the registry and the Git server got since the last
// call.
func (c *signedCrowd) asked() int {
	n := c.registry.Log.Count("", "") + c.git.Count("", "")
	c.registry.Log.Reset()
	c.git.Reset()
	return n
}

// dataOf returns a Secret's stringData with one key.
func dataOf(b *testing.B, key, value string) string {
	b.Helper()
	text, err := json.Marshal(map[string]string{key: value})
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

const keyRule = "{provider: cosign, secretRef: {name: trust}}"

// signedByKey signs as cosign 3 does with a key.
func signedByKey(b *testing.B, on *parts.Shelf) signing {
	by := parts.NewSigner(b)
	return signing{func(image, digest string) { on.Sign(image, digest, by) }, keyRule, dataOf(b, "cosign.pub", by.PublicKey)}
}

// signedByTag signs as cosign 2 does with a key.
func signedByTag(b *testing.B, on *parts.Shelf) signing {
	by := parts.NewSigner(b)
	return signing{func(image, digest string) { on.SignLegacy(image, digest, by, 1) }, keyRule, dataOf(b, "cosign.pub", by.PublicKey)}
}

// signedKeyless signs as cosign 3 does without a key.
func signedKeyless(b *testing.B, on *parts.Shelf) signing {
	trusted := keyless.New(b)
	by := keyless.Signing{Subject: "ci@example.test", Issuer: "https://issuer.example.test"}
	return signing{
		func(image, digest string) { trusted.Sign(on, image, digest, by) },
		`{provider: cosign, matchOIDCIdentity: [{issuer: "https://issuer\\.example\\.test", subject: "ci@example\\.test"}], trustedRootSecretRef: {name: trust}}`,
		dataOf(b, "trusted_root.json", string(trusted.Root(keyless.Log, keyless.TimestampIssuer))),
	}
}

// BenchmarkSigned is a run, as a whole process, over images that a Gate's verify
// demands to be signed, beside the same run without the Gate: a first one, in which
// each image is one behind a signed one, and one with nothing to do and a warm memory.
// Digests are written, and so asked for without a Gate too. The metrics are more than
// those of the run without the Gate: extra-requests in all, x-candidate for each image,
// and x-plain the computing over that of the other.
func BenchmarkSigned(b *testing.B) {
	program := binary(b)
	for _, row := range []struct {
		name   string
		images int
		how    func(*testing.B, *parts.Shelf) signing
	}{{"bundle", 1_000, signedByKey}, {"tag", 1_000, signedByTag}, {"keyless", 100, signedKeyless}} {
		c := newSignedCrowd(b, row.images, row.how)
		b.Run(row.name+"/first", func(b *testing.B) {
			c.compare(b, func(objects string) cost {
				c.repo.Git("update-ref", "refs/heads/main", c.before)
				return c.run(b, program, objects, newState(b), false)
			})
		})
		b.Run(row.name+"/warm", func(b *testing.B) {
			states := map[string]string{}
			for _, objects := range []string{c.plain, c.objects} {
				states[objects] = newState(b)
				c.repo.Git("update-ref", "refs/heads/main", c.before)
				c.run(b, program, objects, states[objects], false)
			}
			for objects, state := range states { // the other's commit is fetched
				c.run(b, program, objects, state, true)
			}
			c.compare(b, func(objects string) cost { return c.run(b, program, objects, states[objects], true) })
		})
	}
}

// compare reports what runs over the objects take more with the Gate than without.
func (c *signedCrowd) compare(b *testing.B, run func(objects string) cost) {
	b.Helper()
	t, plain := c.tally(), 0
	for b.Loop() {
		t.run(func() cost { return run(c.objects) }, func() cost {
			c.asked()
			without := run(c.plain)
			plain += c.asked()
			return without
		})
	}
	t.report(b, "x-time")
	cpu := func(c cost) time.Duration { return c.cpu }
	extra := float64(t.requests-plain) / float64(len(t.ours))
	b.ReportMetric(extra, "extra-requests")
	b.ReportMetric(extra/float64(c.images), "x-candidate")
	b.ReportMetric(median(t.ours, cpu).Seconds()/median(t.theirs, cpu).Seconds(), "x-plain")
	b.ReportMetric(float64(most(t.ours)-most(t.theirs))/1e6, "extra-MB")
}
