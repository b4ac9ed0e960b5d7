package parts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// AzureOptions configure an Azure. The zero value is plain HTTP where everybody
// may read and push.
type AzureOptions struct {
	FrontOptions

	// MultiAck takes multi_ack_detailed off what is advertised: a client then has
	// multi_ack alone.
	MultiAck bool
}

// Azure serves the repositories of a Git server as Azure DevOps does, over HTTP
// and SSH: it speaks protocol v0 alone, and refuses to fetch for a client that
// lists capabilities without multi_ack or multi_ack_detailed. It also refuses
// one that lists none, which Azure DevOps doesn't. C git answers everything
// else.
type Azure struct {
	Front
	SSH Login

	git   *Git
	plain bool
}

// NewAzure starts an Azure for g's repositories that ends with t.
func NewAzure(t T, g *Git, o AzureOptions) *Azure {
	t.Helper()
	a := &Azure{git: g, plain: o.MultiAck}
	a.Front = Serve(t, http.HandlerFunc(a.serve), o.FrontOptions)
	a.SSH = ServeSSH(t, a.run)
	return a
}

// URL returns the address of a repository over HTTP.
func (a *Azure) URL(r *Repository) string { return a.Front.URL + "/" + r.Name + ".git" }

// SSHURL returns the address of a repository over SSH.
func (a *Azure) SSHURL(r *Repository) string {
	return "ssh://git@" + a.SSH.Addr + "/v3/" + r.Name + ".git"
}

// serve answers one request over HTTP.
func (a *Azure) serve(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Git-Protocol")
	switch {
	case strings.HasSuffix(r.URL.Path, "/git-upload-pack"):
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = a.admit(bufio.NewReader(bytes.NewReader(body)))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		a.git.serve(w, r)
	case a.plain && r.URL.Query().Get("service") == "git-upload-pack":
		recorded := httptest.NewRecorder()
		a.git.serve(recorded, r)
		for name, values := range recorded.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorded.Code)
		_ = withoutDetails(w, recorded.Body)
	default:
		a.git.serve(w, r)
	}
}

// run answers one command over SSH.
func (a *Azure) run(command string, conn io.ReadWriter, said io.Writer) error {
	service, path, _ := strings.Cut(command, " ")
	name := strings.TrimPrefix(strings.Trim(path, "'"), "/v3/")
	cmd := exec.Command(a.git.git, strings.TrimPrefix(service, "git-"), filepath.Join(a.git.Root, filepath.FromSlash(name)))
	cmd.Env, cmd.Stderr = a.git.Env(), said
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		return err
	}
	refused := make(chan error, 1)
	go func() {
		defer in.Close()
		read := bufio.NewReader(conn)
		if service == "git-upload-pack" {
			first, err := a.admit(read)
			if refused <- err; err != nil {
				return
			}
			_, _ = in.Write(first)
		}
		_, _ = io.Copy(in, read)
	}()
	if a.plain && service == "git-upload-pack" {
		_ = withoutDetails(conn, out)
	}
	_, _ = io.Copy(conn, out)
	err := cmd.Wait()
	select {
	case no := <-refused:
		if no != nil {
			_, _ = io.WriteString(said, "remote: "+no.Error()+"\n")
			return no
		}
	default:
	}
	return err
}

// admit reads the first line of a request to fetch, and returns it, or Azure's
// word against it.
func (a *Azure) admit(r *bufio.Reader) ([]byte, error) {
	line, err := packet(r)
	if err != nil {
		return nil, unexpected("Unable to read the 4-byte length header of the message.")
	}
	if text := string(line); strings.HasPrefix(text[4:], "want ") && !strings.Contains(text, " multi_ack") ||
		a.plain && strings.Contains(text, "multi_ack_detailed") {
		return nil, unexpected("Clients must support multi-ack.")
	}
	return line, nil
}

// unexpected is Azure's word against a request, with the reason.
type unexpected string

func (u unexpected) Error() string {
	return "TF401041: The Git protocol sent is not as expected (" + string(u) + ")."
}

// packet reads one pkt-line, and returns it with its length.
func packet(r *bufio.Reader) ([]byte, error) {
	line := make([]byte, 4)
	if _, err := io.ReadFull(r, line); err != nil {
		return nil, err
	}
	size, err := strconv.ParseUint(string(line), 16, 16)
	if err != nil || size <= 4 {
		return line, err
	}
	line = append(line, make([]byte, size-4)...)
	_, err = io.ReadFull(r, line[4:])
	return line, err
}

// withoutDetails copies an advertisement without multi_ack_detailed.
func withoutDetails(to io.Writer, from io.Reader) error {
	read := bufio.NewReader(from)
	for {
		line, err := packet(read)
		if err != nil {
			return err
		}
		capable := bytes.Contains(line, []byte{0})
		if capable {
			text := strings.Replace(string(line[4:]), " multi_ack_detailed", "", 1)
			line = fmt.Appendf(nil, "%04x%s", len(text)+4, text)
		}
		if _, err = to.Write(line); capable || err != nil {
			_, copied := io.Copy(to, read)
			return errors.Join(err, copied)
		}
	}
}
