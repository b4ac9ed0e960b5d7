package message

import (
	"bytes"
	"errors"
	"reflect"
)

// The bounds of a template. They are counts, not times, so that the same
// template and data give the same result on every machine.
const (
	maxSource = 64 << 10 // bytes of the template
	maxOutput = 64 << 10 // bytes of the message
	maxWork   = 4 << 20  // steps: turns of a range, calls, values, and every fourth byte that a function reads or returns; takes less than a second
	maxValue  = 4 << 20  // weight of one value: its bytes, and valueWeight for each value in it
	maxDepth  = 64       // nesting of values
	maxNested = 200      // nesting of templates

	valueWeight = 16
)

var (
	errWork   = errors.New("the template runs too long: it loops over too much, or its functions handle too much")
	errOutput = errors.New("the message is longer than 64 KiB")
	errValue  = errors.New("a value grows past 4 MiB")
	errDepth  = errors.New("values are nested too deep, or hold themselves")
	errNested = errors.New("templates call each other too deep")
)

// budget is the remaining allowance of one rendering.
type budget struct {
	spent  int
	nested int
}

// spend takes steps from the budget.
func (b *budget) spend(steps int) error {
	if steps > maxWork-b.spent {
		b.spent = maxWork
		return errWork
	}
	b.spent += steps
	return nil
}

// weigh spends the cost of printing a value and returns the value's weight.
// Each part counts as often as it would be printed. A value that is too large
// is an error.
func (b *budget) weigh(v reflect.Value) (int, error) {
	s := scale{budget: b}
	err := s.add(v, 0)
	return s.weight, err
}

type scale struct {
	budget *budget
	weight int
}

func (s *scale) add(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if !v.IsValid() {
		return nil
	}
	size := 0
	if v.Kind() == reflect.String || v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		size = v.Len()
	}
	if s.weight += valueWeight + size; s.weight > maxValue {
		return errValue
	}
	if err := s.budget.spend(1 + size/4); err != nil || size > 0 {
		return err
	}
	return s.addParts(v, depth+1)
}

func (s *scale) addParts(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return s.add(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := s.add(v.Index(i), depth); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := s.add(v.Field(i), depth); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if err := errors.Join(s.add(entries.Key(), depth), s.add(entries.Value(), depth)); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundedBuffer is a buffer that refuses to grow over maxOutput.
type boundedBuffer struct{ bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, errOutput
	}
	return b.Buffer.Write(p)
}
