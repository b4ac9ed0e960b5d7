package pinsetter

// TLS holds PEM blocks that a connection uses in addition to the system's; empty
// ones are ignored. Cert and Key are given together or not at all.
type TLS struct {
	CA   []byte
	Cert []byte
	Key  Secret
}

// TokenWanted says which token of OpenID Connect logs in to a registry. The zero
// value is content with any.
type TokenWanted struct {
	Audiences []string // all of them must be among the token's
	Subject   string   // such as "system:serviceaccount:flux-system:puller"; "": any
	User      string   // beside which the token is sent as a password; "": as the token's file says
}

// Proxy is a proxy server. Address is an http, https or socks5 URL without a user.
type Proxy struct {
	Address  string
	Username string
	Password Secret
}
