package adopt

import (
	"bytes"
	"strconv"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// read parses a file. If its lines let the references be guessed, it tries the
// markers out in the same parse, which takes most of the time.
func read(path string, data []byte, skip string) (*setters.Sheet, *setters.Rehearsal, error) {
	if skip == "" && !isOfCI(path) && !bytes.Contains(data, []byte("renovate:")) {
		if sheet, rehearsal := setters.ReadRehearsed(path, data, guesses(data)); sheet != nil {
			return sheet, rehearsal, nil
		}
	}
	sheet, err := setters.Read(path, data)
	return sheet, nil, err
}

// guesses returns markers behind the lines that give an image a reference with a tag.
// A wrong one costs a parse.
func guesses(data []byte) []setters.Guess {
	var all []setters.Guess
	key := []byte("image: ")
	policies := stand{}
	for at := 0; ; {
		i := bytes.Index(data[at:], key)
		if i < 0 {
			return all
		}
		i += at
		start := bytes.LastIndexByte(data[:i], '\n') + 1
		value, _, _ := bytes.Cut(data[i+len(key):], []byte("\n"))
		at = i + len(key) + len(value)
		before := bytes.TrimPrefix(bytes.TrimLeft(data[start:i], " "), []byte("- "))
		if len(bytes.TrimLeft(before, " ")) > 0 {
			continue
		}
		image, ok := reference(string(value))
		if ok && pinsetter.ValidTag(image.Tag) && image.String() == string(value) {
			all = append(all, setters.Guess{End: at, Policy: policies.in(image.Name), Part: pinsetter.PartReference})
		}
	}
}

// stand has a policy's name for each image, which stands for the one that the image
// gets.
type stand map[string]pinsetter.Name

func (s stand) in(image string) pinsetter.Name {
	name, known := s[image]
	if !known {
		name = pinsetter.Name{Namespace: "image", Name: strconv.Itoa(len(s))}
		s[image] = name
	}
	return name
}
