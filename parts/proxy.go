package parts

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

// NewProxy starts an HTTP forward proxy that ends with t. It requires User and
// Password in Proxy-Authorization if they are set. Its log has the requests,
// including CONNECT (with Path "").
func NewProxy(t T, o FrontOptions) Front {
	t.Helper()
	forward := &httputil.ReverseProxy{
		Rewrite:  func(*httputil.ProxyRequest) {}, // requests to a proxy name their host
		ErrorLog: quiet,
	}
	user, password := o.User, o.Password
	o.User, o.Password = "", ""
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claimed := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		gotUser, gotPassword, _ := claimed.BasicAuth()
		switch {
		case user != "" && !(equal(gotUser, user) && equal(gotPassword, password)):
			w.Header().Set("Proxy-Authenticate", `Basic realm="parts"`)
			http.Error(w, "proxy authentication required", http.StatusProxyAuthRequired)
		case r.Method == http.MethodConnect:
			tunnel(w, r.Host)
		default:
			forward.ServeHTTP(w, r)
		}
	}), o)
}

// tunnel connects the client with host until either hangs up.
func tunnel(w http.ResponseWriter, host string) {
	server, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = server.Close() }()
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = client.Close() }()
	go func() {
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}
