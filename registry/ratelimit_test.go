package registry_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

func TestRateLimitIsTold(t *testing.T) {
	says := []string{"76;w=21600", "75", "", "many", "-1", "0;w=60"}
	reg := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/org/app/tags/list" && len(says) > 0 {
				w.Header().Set("RateLimit-Remaining", says[0])
				says = says[1:]
			}
			next.ServeHTTP(w, r)
		})
	}}})
	reg.Push("org/app", "1.0.0")
	var told []int
	r := registry.New(registry.Options{Anonymous: true, RateLimit: func(host string, remaining int) {
		if host != "127.0.0.1" {
			t.Errorf("host %q", host)
		}
		told = append(told, remaining)
	}})
	image, err := r.Repository(reg.Addr+"/org/app", registry.Access{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{76, 75, 0}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
