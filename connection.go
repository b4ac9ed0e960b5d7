package pinsetter

// TLS holds PEM blocks that a connection uses in addition to the system's; empty
// ones are ignored. Cert and Key are given together or not at all.
type TLS struct {
	CA   []byte
	Cert []byte
	Key  Secret
}

// Proxy is a proxy server. Address is an http, https or socks5 URL without a user.
type Proxy struct {
	Address  string
	Username string
	Password Secret
}
