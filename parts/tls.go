package parts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// CA is a test's certificate authority.
type CA struct {
	PEM []byte // its certificate

	t    T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is a certificate and its private key (PKCS #8), both PEM.
type Pair struct {
	Cert, Key []byte
}

// TLS is the TLS configuration of a part.
type TLS struct {
	CA      *CA // issues the server's certificate
	Clients *CA // requires client certificates issued by it; nil: none
}

// NewCA returns a new authority, valid for a day.
func NewCA(t T) *CA {
	t.Helper()
	ca := &CA{t: t}
	template := template("Pinsetter test authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	ca.cert = template
	ca.key = newKey(t)
	der := ca.sign(template, ca.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parse the authority's certificate: %v", err)
	}
	ca.cert = cert
	ca.PEM = encode("CERTIFICATE", der)
	return ca
}

// Server returns a certificate for 127.0.0.1 and localhost.
func (ca *CA) Server() Pair {
	ca.t.Helper()
	template := template("127.0.0.1")
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.DNSNames = []string{"localhost"}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return ca.issue(template)
}

// Host returns a certificate for a DNS name.
func (ca *CA) Host(name string) Pair {
	ca.t.Helper()
	template := template(name)
	template.DNSNames = []string{name}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return ca.issue(template)
}

// Client returns a client certificate for name.
func (ca *CA) Client(name string) Pair {
	ca.t.Helper()
	template := template(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return ca.issue(template)
}

// Pool returns a pool with only this authority, for a test's own clients.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

func (ca *CA) issue(template *x509.Certificate) Pair {
	key := newKey(ca.t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		ca.t.Fatalf("encode a key: %v", err)
	}
	return Pair{
		Cert: encode("CERTIFICATE", ca.sign(template, key)),
		Key:  encode("PRIVATE KEY", der),
	}
}

func (ca *CA) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		ca.t.Fatalf("create a certificate for %q: %v", template.Subject.CommonName, err)
	}
	return der
}

func (o *TLS) config(t T) *tls.Config {
	t.Helper()
	cert := o.CA.Server().certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if o.Clients != nil {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = o.Clients.Pool()
	}
	return config
}

func (p Pair) certificate(t T) tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatalf("read a certificate: %v", err)
	}
	return cert
}

func newKey(t T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return key
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
