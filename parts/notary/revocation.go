package notary

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/notaryproject/notation-core-go/testhelper"
	"golang.org/x/crypto/ocsp"

	"github.com/pinsetter/pinsetter/parts"
)

// Revocations answers whether the certificate of a Notary is revoked.
type Revocations struct {
	URL     string
	Revoked atomic.Bool
	Broken  atomic.Bool  // it answers 503
	Asked   atomic.Int64 // how often
}

// NewRevoked returns a signer whose certificate names a server, and the server. By
// says how it is asked: "ocsp", or "crl".
func NewRevoked(t parts.T, by string) (Notary, *Revocations) {
	t.Helper()
	chain := testhelper.GetRevokableRSAChainWithRevocations(2, by == "ocsp", by == "crl")
	root := chain[1]
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	r := &Revocations{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711),
		Subject:      pkix.Name{CommonName: "Revocable", Organization: []string{"Notary"}, Locality: []string{"Seattle"}, Province: []string{"WA"}, Country: []string{"US"}},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, BasicConstraintsValid: true,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.Asked.Add(1)
		if r.Broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer, err := r.answer(by, template.SerialNumber, root)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	if by == "ocsp" {
		template.OCSPServer = []string{server.URL}
	} else {
		template.CRLDistributionPoints = []string{server.URL}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root.Cert, &key.PublicKey, root.PrivateKey)
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	return Notary{t, testhelper.RSACertTuple{Cert: leaf, PrivateKey: key}, root}, r
}

// answer is one about a certificate, by the authority that made it.
func (r *Revocations) answer(by string, serial *big.Int, root testhelper.RSACertTuple) ([]byte, error) {
	now := time.Now()
	if by == "ocsp" {
		answer := ocsp.Response{Status: ocsp.Good, SerialNumber: serial, ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
		if r.Revoked.Load() {
			answer.Status, answer.RevokedAt = ocsp.Revoked, now.Add(-time.Minute)
		}
		return ocsp.CreateResponse(root.Cert, root.Cert, answer, root.PrivateKey)
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
	if r.Revoked.Load() {
		list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: now.Add(-time.Minute)}}
	}
	return x509.CreateRevocationList(rand.Reader, list, root.Cert, root.PrivateKey)
}
