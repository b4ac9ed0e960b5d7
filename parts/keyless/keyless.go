// Package keyless is a Sigstore in process: a certificate authority, a log and a
// timestamp authority, and what cosign would make with them. Package verify's tests
// hold it to cosign itself.
package keyless

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pinsetter/pinsetter/parts"
)

// Sigstore is one that trusts itself.
type Sigstore struct {
	t       parts.T
	virtual *ca.VirtualSigstore
}

// New returns a Sigstore with new keys.
func New(t parts.T) *Sigstore {
	t.Helper()
	virtual, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatalf("make a Sigstore: %v", err)
	}
	return &Sigstore{t, virtual}
}

// Part is what a trusted root may have.
type Part int

// The parts of a trusted root.
const (
	Log             Part = iota // of signatures
	CertificateLog              // whose promises no certificate here has
	TimestampIssuer             // a timestamp authority
)

// Root returns a trusted_root.json with the certificate authority and some parts.
func (s *Sigstore) Root(with ...Part) []byte {
	s.t.Helper()
	logs, certificateLogs, issuers := map[string]*root.TransparencyLog{}, map[string]*root.TransparencyLog{}, []root.TimestampingAuthority(nil)
	for _, part := range with {
		switch part {
		case Log:
			logs = s.named(s.virtual.RekorLogs())
		case CertificateLog:
			certificateLogs = s.named(s.virtual.CTLogs())
		case TimestampIssuer:
			issuers = s.virtual.TimestampingAuthorities()
		}
	}
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01, s.virtual.FulcioCertificateAuthorities(), certificateLogs, issuers, logs)
	if err != nil {
		s.t.Fatalf("make a trusted root: %v", err)
	}
	text, err := made.MarshalJSON()
	if err != nil {
		s.t.Fatalf("make a trusted root: %v", err)
	}
	return text
}

// named gives logs the name that they sign with: the virtual ones have it in hex.
func (s *Sigstore) named(logs map[string]*root.TransparencyLog) map[string]*root.TransparencyLog {
	for id, log := range logs {
		raw, err := hex.DecodeString(id)
		if err != nil {
			s.t.Fatalf("name a log: %v", err)
		}
		log.ID = raw
	}
	return logs
}

// Signing is how somebody signs. The zero Signing leaves a log entry of version 1
// with promise and proof, a minute from now, and a timestamp of now.
type Signing struct {
	Subject, Issuer string
	At              time.Time // of the log; zero: in a minute
	LogV2           bool      // an entry of version 2, which says no time
	NoLog           bool
	NoTimestamp     bool
}

// at returns when the log has the signature: certificates are made at the moment of
// signing and hold for ten minutes.
func (s Signing) at() time.Time {
	if s.At.IsZero() {
		return time.Now().Add(time.Minute)
	}
	return s.At
}

// Bundle returns a bundle of cosign 3 with a statement about a digest. An empty
// predicate is {}.
func (s *Sigstore) Bundle(digest, predicateType, predicate string, by Signing) []byte {
	s.t.Helper()
	statement := statement(digest, predicateType, predicate)
	entity := s.attest(statement, by)
	content, err := entity.SignatureContent()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	envelope := content.EnvelopeContent().RawEnvelope()
	certificate := &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: s.certificate(entity)}}
	text, err := protojson.Marshal(&protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:                   certificate,
			TlogEntries:               s.entries(entity, by),
			TimestampVerificationData: &protobundle.TimestampVerificationData{Rfc3161Timestamps: s.timestamps(entity, by)},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: statement, PayloadType: envelope.PayloadType,
			Signatures: []*protodsse.Signature{{Sig: content.Signature()}},
		}},
	})
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	return text
}

func statement(digest, predicateType, predicate string) []byte {
	if predicate == "" {
		predicate = "{}"
	}
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"","digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		strings.TrimPrefix(digest, "sha256:"), predicateType, predicate)
}

func (s *Sigstore) attest(statement []byte, by Signing) *ca.TestEntity {
	s.t.Helper()
	at := by.at()
	sign := func() (*ca.TestEntity, error) {
		return s.virtual.AttestAtTime(by.Subject, by.Issuer, statement, at, true)
	}
	if by.LogV2 {
		sign = func() (*ca.TestEntity, error) {
			return s.virtual.AttestAtTimeHashedRekordV2(by.Subject, by.Issuer, statement, at)
		}
	}
	entity, err := sign()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	return entity
}

func (s *Sigstore) certificate(entity *ca.TestEntity) []byte {
	content, err := entity.VerificationContent()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	return content.Certificate().Raw
}

func (s *Sigstore) entries(entity *ca.TestEntity, by Signing) []*protorekor.TransparencyLogEntry {
	if by.NoLog {
		return nil
	}
	entries, err := entity.TlogEntries()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	var found []*protorekor.TransparencyLogEntry
	for _, entry := range entries {
		found = append(found, s.complete(entry.TransparencyLogEntry()))
	}
	return found
}

// complete adds to an entry what the virtual log keeps to itself: the kind of
// entry, and the promise to include one of version 1.
func (s *Sigstore) complete(entry *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	if entry.GetKindVersion() != nil {
		return entry
	}
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(entry.GetCanonicalizedBody(), &kind); err != nil {
		s.t.Fatalf("read an entry: %v", err)
	}
	promise, err := s.virtual.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(entry.GetCanonicalizedBody()), IntegratedTime: entry.GetIntegratedTime(),
		LogIndex: entry.GetLogIndex(), LogID: hex.EncodeToString(entry.GetLogId().GetKeyId()),
	})
	if err != nil {
		s.t.Fatalf("sign an entry: %v", err)
	}
	entry.KindVersion = &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion}
	entry.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return entry
}

func (s *Sigstore) timestamps(entity *ca.TestEntity, by Signing) []*protocommon.RFC3161SignedTimestamp {
	if by.NoTimestamp {
		return nil
	}
	made, err := entity.Timestamps()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	var found []*protocommon.RFC3161SignedTimestamp
	for _, timestamp := range made {
		found = append(found, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: timestamp})
	}
	return found
}

// Sign signs a digest of an image in the format of cosign 3.
func (s *Sigstore) Sign(on *parts.Shelf, image, digest string, by Signing) {
	s.t.Helper()
	on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, parts.SigningPredicate, "", by), Predicate: parts.SigningPredicate})
}

// Legacy returns a signature over a payload in the format of cosign 2.
func (s *Sigstore) Legacy(payload []byte, by Signing) parts.Legacy {
	s.t.Helper()
	at := by.at()
	entity, err := s.virtual.SignAtTime(by.Subject, by.Issuer, payload, at)
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	content, err := entity.SignatureContent()
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	legacy := parts.NewLegacy(payload, content.Signature())
	legacy.Annotations["dev.sigstore.cosign/certificate"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate(entity)}))
	s.annotate(legacy.Annotations, entity, by)
	return legacy
}

// LegacyAttestation returns an attestation in the format of cosign 2.
func (s *Sigstore) LegacyAttestation(digest, predicateType, predicate string, by Signing) parts.Legacy {
	s.t.Helper()
	entity := s.attest(statement(digest, predicateType, predicate), by)
	content, err := entity.SignatureContent()
	if err != nil {
		s.t.Fatalf("attest: %v", err)
	}
	envelope, err := json.Marshal(content.EnvelopeContent().RawEnvelope())
	if err != nil {
		s.t.Fatalf("attest: %v", err)
	}
	legacy := parts.Legacy{Content: envelope, Type: "application/vnd.dsse.envelope.v1+json", Annotations: map[string]string{
		"dev.cosignproject.cosign/signature": "", "predicateType": predicateType,
		"dev.sigstore.cosign/certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate(entity)})),
	}}
	s.annotate(legacy.Annotations, entity, by)
	return legacy
}

// annotate adds what the log and the timestamp authority say.
func (s *Sigstore) annotate(annotations map[string]string, entity *ca.TestEntity, by Signing) {
	for _, entry := range s.entries(entity, by) {
		text, err := json.Marshal(map[string]any{
			"SignedEntryTimestamp": entry.GetInclusionPromise().GetSignedEntryTimestamp(),
			"Payload": map[string]any{
				"body": entry.GetCanonicalizedBody(), "integratedTime": entry.GetIntegratedTime(),
				"logIndex": entry.GetLogIndex(), "logID": hex.EncodeToString(entry.GetLogId().GetKeyId()),
			},
		})
		if err != nil {
			s.t.Fatalf("sign: %v", err)
		}
		annotations["dev.sigstore.cosign/bundle"] = string(text)
	}
	for _, timestamp := range s.timestamps(entity, by) {
		text, err := json.Marshal(map[string]any{"SignedRFC3161Timestamp": timestamp.GetSignedTimestamp()})
		if err != nil {
			s.t.Fatalf("sign: %v", err)
		}
		annotations["dev.sigstore.cosign/rfc3161timestamp"] = string(text)
	}
}

// SignLegacy signs a digest of an image in the format of cosign 2.
func (s *Sigstore) SignLegacy(on *parts.Shelf, image, digest string, by Signing) {
	s.t.Helper()
	on.PutLegacy(image, digest, ".sig", s.Legacy(parts.SimplePayload(digest), by))
}
