package lexer

import "strings"

// comment is a comment, or lines of them, and how it stands to the node that it
// belongs to: above, behind, or below it.
type comment struct {
	head, line, foot string
	from             int  // offset at which the search for a token began
	token            int  // offset from which on a token may take it
	start            mark // with a column from 1; none for a comment behind a node
	end              int  // offset of its end; 0 for a comment behind a node
}

// farthest is the number of blanks that yaml v3 looks over for a comment.
const farthest = 512

// lineComment adds the comment behind the last token, to be taken from offset at on
// (yaml_parser_scan_line_comment).
func (s *scanner) lineComment(at int) bool {
	if s.newlines > 0 {
		return true
	}
	blanks := 0
	for s.byteAt(s.at+blanks) == ' ' {
		blanks++
	}
	if s.byteAt(s.at+blanks) != '#' {
		return true
	}
	if blanks >= farthest || s.text[s.at+blanks-1] != ' ' {
		return false
	}
	s.at += blanks
	s.column += blanks
	s.comments = append(s.comments, comment{line: s.rest(), token: at})
	return true
}

// rest moves to the end of the line, and returns the text up to there.
func (s *scanner) rest() string {
	text := s.text[s.at:]
	if n := strings.IndexByte(text, '\n'); n >= 0 {
		text = text[:n]
	}
	s.skip(len(text))
	return text
}

// fullComments adds the comments that fill this line and those below
// (yaml_parser_scan_comments). Those that stand at the foot of the content above are
// told from those at the head of the content below by empty lines and by columns. It
// returns false at more blanks than yaml v3 looks over.
func (s *scanner) fullComments(from mark) bool {
	last := s.tokens[len(s.tokens)-1]
	c := comment{from: from.at, token: last.start.at}
	var text string
	next := max(s.indent, 0)
	wasEmpty, first := false, s.newlines <= 1
	line, column := s.line, s.column

	// The line in which a comment must begin to be a foot: below the content.
	footLine := -1
	if from.line > 0 {
		footLine = s.line - s.newlines + 1
		if s.newlines == 0 && s.column > 1 {
			footLine++
		}
	}
	foot := func(at int) {
		c.foot, c.end = text, at
		s.comments = append(s.comments, c)
		c, text = comment{from: at, token: at, start: c.start}, ""
	}
	ahead := 0
scanning:
	for ; ; ahead++ {
		if ahead >= farthest {
			return false
		}
		column++
		switch b := s.byteAt(s.at + ahead); {
		case b == ' ':
			continue
		case b == '\n' || b == 0:
			isFoot := first && (c.start.line == footLine && last.kind != value || c.start.column-1 < next)
			switch {
			case wasEmpty || text == "":
			case isFoot:
				if c.start.column-1 < next {
					c.token = c.start.at // it has nothing to do with the token before
				}
				foot(s.at + ahead)
			case b != 0:
				text += "\n"
			}
			if b == 0 {
				break scanning
			}
			first, wasEmpty, column = false, true, 0
			line++
			continue
		default:
			if text != "" && column-1 < next && column != c.start.column {
				foot(s.at + ahead)
			}
			if b != '#' {
				break scanning
			}
		}
		if text == "" {
			c.start = mark{s.at + ahead, line, column}
		} else {
			text += "\n"
		}
		for to := s.at + ahead; s.at < to; { // over blanks and breaks
			if s.text[s.at] == '\n' {
				s.skipLine()
			} else {
				s.at++
				s.column++
			}
		}
		text += s.rest()
		wasEmpty, ahead, column, line = false, 0, 0, s.line
	}
	if text != "" {
		c.head, c.token, c.end = text, c.start.at, s.at+ahead-1
		s.comments = append(s.comments, c)
	}
	return true
}
