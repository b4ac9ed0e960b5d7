package parts

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
)

// ChartRepository is a chart repository over HTTP: an index.yaml with an ETag, as
// web servers and chartmuseum serve it.
type ChartRepository struct {
	Front

	mu    sync.Mutex
	index string
}

// NewChartRepository starts a chart repository that ends with t. Its index is empty.
func NewChartRepository(t T, o FrontOptions) *ChartRepository {
	t.Helper()
	c := &ChartRepository{index: "apiVersion: v1\nentries: {}\n"}
	c.Front = Serve(t, http.HandlerFunc(c.serve), o)
	return c
}

// SetIndex replaces the index.yaml.
func (c *ChartRepository) SetIndex(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index = text
}

func (c *ChartRepository) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	text := c.index
	c.mu.Unlock()
	if r.URL.Path != "/index.yaml" {
		http.NotFound(w, r)
		return
	}
	sum := fnv.New64()
	_, _ = sum.Write([]byte(text))
	etag := fmt.Sprintf(`"%x"`, sum.Sum64())
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write([]byte(text))
}
