package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// Annotations in which cosign 2 keeps what a certificate needs beside a signature
// (github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md).
const (
	legacyCertificate = "dev.sigstore.cosign/certificate"
	legacyChain       = "dev.sigstore.cosign/chain"
	legacyEntry       = "dev.sigstore.cosign/bundle"
	legacyTimestamp   = "dev.sigstore.cosign/rfc3161timestamp"
)

// Bundles of this version have the log's promise to include an entry, which is all
// that cosign 2 keeps of it.
const promising = "application/vnd.dev.sigstore.bundle+json;version=0.1"

// errNoCertificate says that a signature was made with a key.
var errNoCertificate = errors.New("it is made with a key, without a certificate")

// certified implements checker.
func (s simple) certified(digest string) (*bundle.Bundle, sigstore.ArtifactPolicyOption, error) {
	if err := s.names(digest); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(s.payload)
	material, err := s.annotations.material()
	if err != nil {
		return nil, nil, err
	}
	b, err := bundle.NewBundle(&protobundle.Bundle{
		MediaType:            promising,
		VerificationMaterial: material,
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     s.signature,
		}},
	})
	return b, sigstore.WithArtifact(bytes.NewReader(s.payload)), err
}

// parseEnvelope reads an attestation of cosign 2 as a bundle.
func parseEnvelope(text []byte, a annotations) (bundled, error) {
	var envelope struct {
		Payload     []byte `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   []byte `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(text, &envelope); err != nil {
		return bundled{}, err
	}
	material, err := a.material()
	if errors.Is(err, errNoCertificate) {
		material, err = &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{}},
		}, nil
	}
	if err != nil {
		return bundled{}, err
	}
	content := &protodsse.Envelope{Payload: envelope.Payload, PayloadType: envelope.PayloadType}
	for _, s := range envelope.Signatures {
		content.Signatures = append(content.Signatures, &protodsse.Signature{Sig: s.Sig, Keyid: s.KeyID})
	}
	b, err := bundle.NewBundle(&protobundle.Bundle{
		MediaType: promising, VerificationMaterial: material, Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: content},
	})
	if err != nil {
		return bundled{}, err
	}
	return bundled{Bundle: b}.stating()
}

// material returns what annotations have for a certificate: itself, its chain, the
// entry in a log, and a timestamp.
func (a annotations) material() (*protobundle.VerificationMaterial, error) {
	chain := &protocommon.X509CertificateChain{}
	for _, key := range []string{legacyCertificate, legacyChain} {
		for rest := []byte(a.text(key)); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			chain.Certificates = append(chain.Certificates, &protocommon.X509Certificate{RawBytes: block.Bytes})
		}
		if len(chain.Certificates) == 0 {
			return nil, errNoCertificate
		}
	}
	material := &protobundle.VerificationMaterial{
		Content:                   &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: chain},
		TimestampVerificationData: &protobundle.TimestampVerificationData{},
	}
	if text := a.text(legacyEntry); text != "" {
		entry, err := logEntry([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("its annotation %s can't be read: %w", legacyEntry, err)
		}
		material.TlogEntries = append(material.TlogEntries, entry)
	}
	if text := a.text(legacyTimestamp); text != "" {
		var timestamp struct{ SignedRFC3161Timestamp []byte }
		if err := json.Unmarshal([]byte(text), &timestamp); err != nil {
			return nil, fmt.Errorf("its annotation %s can't be read: %w", legacyTimestamp, err)
		}
		material.TimestampVerificationData.Rfc3161Timestamps = []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: timestamp.SignedRFC3161Timestamp}}
	}
	return material, nil
}

// logEntry reads the entry of Rekor that cosign 2 keeps.
func logEntry(text []byte) (*protorekor.TransparencyLogEntry, error) {
	var entry struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           string `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := json.Unmarshal(text, &entry); err != nil {
		return nil, err
	}
	body, err := base64.StdEncoding.DecodeString(entry.Payload.Body)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(entry.Payload.LogID)
	if err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex:          entry.Payload.LogIndex,
		LogId:             &protocommon.LogId{KeyId: id},
		KindVersion:       &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version},
		IntegratedTime:    entry.Payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: entry.SignedEntryTimestamp},
		CanonicalizedBody: body,
	}, nil
}
