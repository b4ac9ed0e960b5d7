package parts

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// answerWithin bounds what a browser may take for one thing. A cold start takes
// about a second, and many on a busy machine.
const answerWithin = time.Minute

// Chromium is a real browser without a window, with one page. It is spoken to by
// its own protocol over a pipe
// (https://chromedevtools.github.io/devtools-protocol/), and used by one
// goroutine.
type Chromium struct {
	t       T
	process *process
	to      *os.File
	pipe    *os.File
	from    *bufio.Reader
	session string
	last    int
	loaded  bool
	said    []string
}

// View is how a page is looked at. The zero View is a large window, light.
type View struct {
	Width, Height int // in CSS pixels; 0: 1280 and 900
	Dark          bool
	NoScript      bool // the page's scripts are not run
}

// NewChromium starts a browser until t ends. It skips where Chromium is missing.
func NewChromium(t T) *Chromium {
	t.Helper()
	program := Need(t, "chromium")
	c := &Chromium{t: t}
	hears, to := c.newPipe()
	from, says := c.newPipe()
	c.to, c.pipe, c.from = to, from, bufio.NewReader(from)
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--disable-dev-shm-usage", // a container's may be of 64 MB
		"--remote-debugging-pipe", "--user-data-dir="+Dir(t))
	command.ExtraFiles = []*os.File{hears, says} // 3 and 4, where --remote-debugging-pipe has them
	c.process = &process{command: command, output: &output{}, gone: make(chan struct{})}
	command.Stdout, command.Stderr = c.process.output, c.process.output
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	_, _ = hears.Close(), says.Close() // the browser has its own
	go func() {
		_ = command.Wait()
		close(c.process.gone)
	}()
	t.Cleanup(c.close)
	var target struct{ TargetID string }
	c.must("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.must("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		c.must(domain+".enable", nil, nil)
	}
	return c
}

func (c *Chromium) newPipe() (r, w *os.File) {
	c.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		c.t.Fatalf("make a pipe: %v", err)
	}
	c.t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// close ends the browser with its children, or alone where it doesn't listen.
func (c *Chromium) close() {
	c.session = ""
	if err := c.ask("Browser.close", nil, nil); err == nil {
		select {
		case <-c.process.gone:
			return
		case <-time.After(stopWithin):
		}
	}
	c.process.stop()
}

// Open goes to an address and waits until all of it is loaded.
func (c *Chromium) Open(url string, v View) {
	c.t.Helper()
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	width, height := v.Width, v.Height
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 900
	}
	c.must("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	c.must("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
	}, nil)
	c.must("Emulation.setScriptExecutionDisabled", map[string]any{"value": v.NoScript}, nil)
	c.loads(func() {
		var went struct{ ErrorText string }
		c.must("Page.navigate", map[string]any{"url": url}, &went)
		if went.ErrorText != "" {
			c.t.Fatalf("open %s: %s", url, went.ErrorText)
		}
	})
}

// Follow clicks on what a CSS selector finds first, which leads to another page,
// and waits until that is loaded.
func (c *Chromium) Follow(selector string) {
	c.t.Helper()
	c.loads(func() {
		quoted, _ := json.Marshal(selector)
		c.Eval(fmt.Sprintf("document.querySelector(%s).click()", quoted), nil)
	})
}

// Submit types text into what a CSS selector finds first and presses Enter, which
// leads to another page, and waits until that is loaded.
func (c *Chromium) Submit(selector, text string) {
	c.t.Helper()
	c.loads(func() {
		quoted, _ := json.Marshal(selector)
		c.Eval(fmt.Sprintf("document.querySelector(%s).focus()", quoted), nil)
		c.must("Input.insertText", map[string]any{"text": text}, nil)
		for _, kind := range []string{"keyDown", "keyUp"} {
			c.must("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}, nil)
		}
	})
}

// loads does what makes the page load, and waits for that.
func (c *Chromium) loads(do func()) {
	c.t.Helper()
	c.loaded = false
	do()
	for !c.loaded {
		if _, err := c.receive(); err != nil {
			c.t.Fatalf("load a page: %v", err)
		}
	}
}

// Eval gives the value of an expression of JavaScript to result, which may be
// nil, as [json.Unmarshal] does. The page's own policies don't bind it.
func (c *Chromium) Eval(expression string, result any) {
	c.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	c.must("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		c.t.Fatalf("evaluate %s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result.Value, result); err != nil {
		c.t.Fatalf("evaluate %s: %v: %s", expression, err, answer.Result.Value)
	}
}

// Text returns what a person reads on the page.
func (c *Chromium) Text() string {
	c.t.Helper()
	var text string
	c.Eval("document.body.innerText", &text)
	return text
}

// Screenshot returns a picture of the whole page, PNG.
func (c *Chromium) Screenshot() []byte {
	c.t.Helper()
	var metrics struct {
		CSSContentSize struct{ Width, Height float64 }
	}
	c.must("Page.getLayoutMetrics", nil, &metrics)
	var picture struct{ Data []byte }
	c.must("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "clip": map[string]any{
		"x": 0, "y": 0, "width": metrics.CSSContentSize.Width, "height": metrics.CSSContentSize.Height, "scale": 1,
	}}, &picture)
	return picture.Data
}

// Said returns what pages had the browser say since it was asked last: in its
// console, of what they were refused, and in dialogs.
func (c *Chromium) Said() []string {
	said := c.said
	c.said = nil
	return said
}

// must is ask where an error ends the test.
func (c *Chromium) must(method string, params, result any) {
	c.t.Helper()
	if err := c.ask(method, params, result); err != nil {
		c.t.Fatalf("chromium: %v: %s", err, c.process.output)
	}
}

// ask sends a command and takes its answer.
func (c *Chromium) ask(method string, params, result any) error {
	c.last++
	command := map[string]any{"id": c.last, "method": method}
	if params != nil {
		command["params"] = params
	}
	if c.session != "" {
		command["sessionId"] = c.session
	}
	data, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := c.to.Write(append(data, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for id := c.last; ; {
		answer, err := c.receive()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", method, err)
		case answer.ID != id:
			continue
		case answer.Error.Message != "":
			return fmt.Errorf("%s: %s", method, answer.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	}
}

// received is a message of the browser: an answer, or an event.
type received struct {
	ID     int
	Result json.RawMessage
	Error  struct{ Message string }
	Method string
	Params json.RawMessage
}

// receive takes the next message. What an event says is kept.
func (c *Chromium) receive() (received, error) {
	var m received
	_ = c.pipe.SetReadDeadline(time.Now().Add(answerWithin)) // a pipe has deadlines
	data, err := c.from.ReadBytes(0)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		return m, err
	}
	switch m.Method {
	case "Page.loadEventFired":
		c.loaded = true
	case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening":
		c.said = append(c.said, string(m.Params))
	}
	return m, nil
}
