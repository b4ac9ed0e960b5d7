package parts

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// answerWithin bounds one operation of a browser. A cold start takes about a
// second, and several on a busy machine.
const answerWithin = time.Minute

// Chromium is a headless browser with one page. It is controlled by its own
// protocol over a pipe (https://chromedevtools.github.io/devtools-protocol/).
// Use it from one goroutine.
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

// View is the way to display a page. The zero View is a large light window.
type View struct {
	Width, Height int // in CSS pixels; 0: 1280 and 900
	Dark          bool
	NoScript      bool // scripts are disabled
}

// NewChromium starts a browser that ends with t. It skips the test if Chromium
// is missing.
func NewChromium(t T) *Chromium {
	t.Helper()
	program := Need(t, "chromium")
	c := &Chromium{t: t}
	hears, to := c.newPipe()
	from, says := c.newPipe()
	c.to, c.pipe, c.from = to, from, bufio.NewReader(from)
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--disable-dev-shm-usage", // a container's may have only 64 MB
		"--remote-debugging-pipe", "--user-data-dir="+Dir(t))
	command.ExtraFiles = []*os.File{hears, says} // descriptors 3 and 4, as --remote-debugging-pipe requires
	c.process = &process{command: command, output: &output{}, gone: make(chan struct{})}
	command.Stdout, command.Stderr = c.process.output, c.process.output
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	_, _ = hears.Close(), says.Close() // the browser has its own copies
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

// close ends the browser. If it doesn't react, it is killed.
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

// Open navigates to an address and waits until the page is loaded.
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

// Follow clicks on the first element that matches a CSS selector, and waits
// until the next page is loaded.
func (c *Chromium) Follow(selector string) {
	c.t.Helper()
	c.loads(func() {
		quoted, _ := json.Marshal(selector)
		c.Eval(fmt.Sprintf("document.querySelector(%s).click()", quoted), nil)
	})
}

// Submit types text into the first element that matches a CSS selector, presses
// Enter, and waits until the next page is loaded.
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

// loads calls do, which makes a page load, and waits for that.
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

// Eval evaluates JavaScript and stores its value in result, as [json.Unmarshal]
// does; result may be nil. The page's security policies don't apply.
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

// Text returns the visible text of the page.
func (c *Chromium) Text() string {
	c.t.Helper()
	var text string
	c.Eval("document.body.innerText", &text)
	return text
}

// Screenshot returns an image of the whole page, as PNG.
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

// Said returns the browser's messages since the last call: console output,
// refusals by security policies, and dialogs.
func (c *Chromium) Said() []string {
	said := c.said
	c.said = nil
	return said
}

// must is ask, and ends the test on an error.
func (c *Chromium) must(method string, params, result any) {
	c.t.Helper()
	if err := c.ask(method, params, result); err != nil {
		c.t.Fatalf("chromium: %v: %s", err, c.process.output)
	}
}

// ask sends a command and reads its answer.
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

// chromiumMessage is a message of the browser: an answer or an event.
type chromiumMessage struct {
	ID     int
	Result json.RawMessage
	Error  struct{ Message string }
	Method string
	Params json.RawMessage
}

// receive reads the next message. It stores the text of events.
func (c *Chromium) receive() (chromiumMessage, error) {
	var m chromiumMessage
	_ = c.pipe.SetReadDeadline(time.Now().Add(answerWithin)) // pipes support deadlines
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
