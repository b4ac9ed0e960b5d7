package registry

import (
	"net/http"
	"strconv"
	"strings"
)

// tellRateLimit reports the number of requests that a host still allows. Docker
// Hub says "ratelimit-remaining: 76;w=21600" for 76 in six hours
// (https://docs.docker.com/docker-hub/usage/pulls/).
func (w *wire) tellRateLimit(response *http.Response) {
	if w.options.RateLimit == nil {
		return
	}
	count, _, _ := strings.Cut(response.Header.Get("RateLimit-Remaining"), ";")
	if left, err := strconv.Atoi(count); err == nil && left >= 0 {
		w.options.RateLimit(response.Request.URL.Hostname(), left)
	}
}
