package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// PaintDiff returns a patch in colours.
func PaintDiff(p Painter, patch string) string {
	var b strings.Builder
	for line := range strings.Lines(patch) {
		text := strings.TrimSuffix(line, "\n")
		b.WriteString(p.Paint(diffStyle(text), Printable(strings.TrimSuffix(text, "\r"))) + "\n")
	}
	return b.String()
}

// Place returns "path:line".
func Place(path string, line int) string { return path + ":" + strconv.Itoa(line) }

// NoNames refuses arguments, and says what to use instead.
func NoNames(instead string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return Usage("%s %q: %s takes no names: %s", cmd.CommandPath(), args[0], cmd.Name(), instead)
		}
		return nil
	}
}

func diffStyle(line string) Style {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "# group "):
		return Bold
	case strings.HasPrefix(line, "@@"):
		return Cyan
	case strings.HasPrefix(line, "-"):
		return Red
	case strings.HasPrefix(line, "+"):
		return Green
	}
	return Plain
}
