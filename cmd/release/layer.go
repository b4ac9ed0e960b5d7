package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	layers "github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// entry is a file of a layer, or a folder if its name ends in a slash. With uid
// 0 it belongs to root.
type entry struct {
	name string
	mode int64
	uid  int
	data []byte
}

// pack writes entries as a tar, in order and with one time, so that the same
// entries give the same bytes.
func pack(date time.Time, entries []entry) ([]byte, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, e := range entries {
		header := &tar.Header{
			Name: e.name, Mode: e.mode, Uid: e.uid, Gid: e.uid, Size: int64(len(e.data)), ModTime: date, Typeflag: tar.TypeReg,
		}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}

// newLayer packs entries as a layer of an image.
func newLayer(date time.Time, entries []entry) (v1.Layer, error) {
	packed, err := pack(date, entries)
	if err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil }
	return layers.LayerFromOpener(opener, layers.WithMediaType(types.OCILayer))
}

// rootsLayer returns the files that a static binary lacks on an empty base.
// Time zones are in the binary.
func rootsLayer(date time.Time) (v1.Layer, error) {
	authorities, err := authorities()
	if err != nil {
		return nil, err
	}
	return newLayer(date, []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", user)},
		{name: "etc/passwd", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/%s:/sbin/nologin\n", user, user, home)},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, data: authorities},
		{name: "tmp/", mode: 0o1777},
		{name: "var/", mode: 0o755},
		{name: "var/lib/", mode: 0o755},
		{name: home + "/", mode: 0o750, uid: user},
	})
}

// authorities returns Mozilla's list of certificate authorities as PEM, at the
// version in go.mod. It leaves out authorities that Mozilla trusts
// conditionally (such as for certificates before a date), since PEM can't
// express that.
func authorities() ([]byte, error) {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	if all.Len() == 0 {
		return nil, errors.New("the list of certificate authorities is empty")
	}
	return all.Bytes(), nil
}
