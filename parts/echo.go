package parts

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Echo answers with a status and repeats everything that it was sent: in the
// status text, in headers that clients read, and in a body that is an error to
// any API. Basic credentials and form values are repeated decoded too, and
// everything also in capitals, escaped for URLs, and in base64.
func Echo(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := sent(r)
		line := strings.NewReplacer("\r", " ", "\n", " ").Replace(said)
		list := func(text string) []map[string]string { return []map[string]string{{"code": "ECHO", "message": text}} }
		body, _ := json.Marshal(map[string]any{
			"message": said, "error": said, "error_description": said, "scope": said, "details": said, "token_type": said,
			"errors": append(list(said), list(url.QueryEscape(said))...),
		})
		connection, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprintf(buffer, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n", status, line, len(body))
		for _, name := range []string{"X-Said", "X-Accepted-GitHub-Permissions", "Warning", "Content-Language"} {
			fmt.Fprintf(buffer, "%s: %s\r\n", name, line)
		}
		echoed(buffer, status, line)
		fmt.Fprintf(buffer, "\r\n%s", body)
		_ = buffer.Flush()
	})
}

// echoed adds the headers for a status.
func echoed(to *bufio.ReadWriter, status int, line string) {
	switch {
	case status == http.StatusUnauthorized:
		fmt.Fprintf(to, "WWW-Authenticate: Basic realm=\"%s\"\r\n", strings.ReplaceAll(line, `"`, "'"))
	case status >= 300 && status < 400:
		fmt.Fprintf(to, "Location: https://%s.invalid/%s\r\n", strings.Trim(hostLabel(line), "-"), url.PathEscape(line))
	}
}

// hostLabel returns the characters of a text that a host name may contain.
func hostLabel(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, text[:min(len(text), 60)])
}

// sent returns everything that a request carries.
func sent(r *http.Request) string {
	var all []string
	for name, values := range r.Header {
		if name == "Authorization" || name == "Proxy-Authorization" || strings.HasPrefix(name, "X-") || strings.HasSuffix(name, "-Token") {
			all = append(all, values...)
		}
	}
	if user, password, ok := r.BasicAuth(); ok {
		all = append(all, user+":"+password)
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 4<<10))
	all = append(all, r.URL.Path, r.URL.RawQuery)
	if form, err := url.ParseQuery(string(body)); err == nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		for _, values := range form {
			all = append(all, values...)
		}
	}
	text := strings.Join(all, " ")
	return strings.Join([]string{text, strings.ToUpper(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text))}, " | ")
}
