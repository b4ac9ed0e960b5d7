package pinsetter

// Reword returns an error that reads text and wraps err, without repeating the text
// of err: for a sentinel, or for an error whose own words don't fit.
func Reword(text string, err error) error { return reworded{text, err} }

type reworded struct {
	text string
	err  error
}

func (r reworded) Error() string { return r.text }
func (r reworded) Unwrap() error { return r.err }
