package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// show returns a value of go test as people read it.
func show(unit string, value float64) string {
	switch unit {
	case "ns/op":
		return seconds(value / 1e9)
	case "cpu-s":
		return seconds(value)
	case "peak-MB", "binary-MB", "last-binary-MB", "last-peak-MB", "extra-MB":
		return figure(value) + " MB"
	case "init-ms":
		return figure(value) + " ms"
	case "sent-KB", "received-KB":
		if value >= 1000 {
			return figure(value/1000) + " MB"
		}
		return figure(value) + " KB"
	default:
		return figure(value)
	}
}

// seconds returns a time with three digits.
func seconds(s float64) string {
	d := time.Duration(s * 1e9)
	switch {
	case d >= time.Second:
		return figure(s) + " s"
	case d >= time.Millisecond:
		return figure(s*1e3) + " ms"
	default:
		return figure(s*1e6) + " µs"
	}
}

// figure returns a number with three digits, or all before the point.
func figure(x float64) string {
	switch {
	case x >= 100:
		return grouped(int(x + 0.5))
	case x >= 10:
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
	default:
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 2, 64), ".00")
	}
}

// grouped returns a number with commas between thousands.
func grouped(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return grouped(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
