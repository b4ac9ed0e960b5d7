package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
	"github.com/pinsetter/pinsetter/keeper"
	"github.com/pinsetter/pinsetter/notify"
	"github.com/pinsetter/pinsetter/pause"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/server"
	"github.com/pinsetter/pinsetter/store"
)

// serveFlags is the flags of serve.
type serveFlags struct {
	listen, hooksListen string
	authFile            string
	tlsCert, tlsKey     string
	shard               string
	batch, reload       time.Duration
	leaderElect         bool
}

func newServe(a *cli.App) *cobra.Command {
	var o serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Keep cycling: schedules, webhooks, metrics, status page",
		Long: `Runs every ImageUpdateAutomation when its spec.interval is over, or when its
annotation pinsetter.dev/schedule says; when a scan of an image, at the interval
of its ImageRepository, finds other tags; and when a webhook of a Receiver asks
for it. Objects are read again when they change; a broken edit is said and not
taken up. What happened goes to the Providers of the Alerts.

The status page, its JSON below /api/v1/, /healthz, /readyz and /metrics are at
--listen. Other addresses than loopback demand --auth-file for the page.

A first signal ends it when what is being written is finished, a second at once.`,
		Example: `  pinsetter serve -f clusters/production
  pinsetter serve -f clusters/production --listen :8080 --auth-file users.htpasswd --hooks-listen :9292`,
		Args: cli.NoNames("it runs all automations that -f leads to"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.batch < 0 || o.reload <= 0 {
				return cli.Usage("--batch %s and --reload %s: write how long, such as 30s", o.batch, o.reload)
			}
			mine, err := parseShard(o.shard, os.Getenv("JOB_COMPLETION_INDEX"))
			if err != nil {
				return err
			}
			if err := a.OpenLedger(cmd.Context(), store.Options{}); err != nil {
				return err
			}
			if o.leaderElect && !a.Ledger.Remembers() {
				return cli.Usage("--leader-elect needs a state that can be opened (--state): who leads is agreed on there")
			}
			return runServe(cmd.Context(), a, o, mine)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of health, metrics, status page and JSON")
	f.StringVar(&o.hooksListen, "hooks-listen", "", "address of webhooks alone (default: that of --listen)")
	f.StringVar(&o.authFile, "auth-file", "", "who may see the status page: lines of htpasswd -B")
	f.StringVar(&o.tlsCert, "tls-cert", "", "certificate chain of both addresses, PEM (default: plain HTTP)")
	f.StringVar(&o.tlsKey, "tls-key", "", "its private key, PEM")
	f.StringVar(&o.shard, "shard", "", "run the repositories of shard I of N only: I/N, or /N with I from JOB_COMPLETION_INDEX")
	f.BoolVar(&o.leaderElect, "leader-elect", false, "run nothing while another process of the same state and shard does")
	f.DurationVar(&o.batch, "batch", 2*time.Second, "quiet period that collects wake-ups into one cycle")
	f.DurationVar(&o.reload, "reload", 30*time.Second, "how often to look whether objects have changed")
	return cmd
}

// listingsKept bounds the tag lists that are remembered between cycles, in
// bytes.
const listingsKept = 64 << 20

// sayGoodbye bounds the delivery of the last events at the end.
const sayGoodbye = 10 * time.Second

// runServe runs until ctx ends.
func runServe(ctx context.Context, a *cli.App, o serveFlags, mine keeper.Shard) error {
	a.Notifications = config.NotificationsUsed
	objects := &reloader{app: a}
	set, err := objects.first(ctx)
	if err != nil {
		return err
	}
	a.Progress.Done()
	metrics := server.NewMetrics(version())
	notifier := notify.Open(set, notify.Options{Report: func(err error) { undelivered(a, err) }, Instance: hostname(), Environment: a.Environment(), Dialer: a.Dialer(), Clouds: a.CloudLogins()})
	options := a.BotOptions(registry.Options{Concurrency: a.Concurrency, UserAgent: a.UserAgent(), Keep: listingsKept, RateLimit: metrics.RateLimit})
	options.Observer = observer{metrics}
	k := keeper.New(keeper.Options{Bot: options, Observer: observer{metrics}, Shard: mine, Batch: o.batch, Notify: notifier.Tell})
	relay := newRelay(a, k, o.leaderElect, mine)
	doors := &doors{app: a, relay: relay}
	face, err := server.New(server.Options{
		Listen: o.listen, HooksListen: o.hooksListen, AuthFile: o.authFile, CertFile: o.tlsCert, KeyFile: o.tlsKey,
		Source: &statusPage{keeper: k, ledger: a.Ledger}, Metrics: metrics, Hooks: doors, Version: version(), Log: a.Log,
	})
	if err != nil {
		return cli.Exit(cli.StatusUsage, err)
	}
	use := func(set *fleet.Set) {
		metrics.Stale(false)
		doors.use(set)
		notifier.Use(set)
		k.Use(ctx, set)
	}
	use(set)
	scheme := "http://"
	if o.tlsCert != "" {
		scheme = "https://"
	}
	a.Say("serving", fmt.Sprintf("%[1]s%[2]s has the status page, metrics and health; webhooks come to %[1]s%[3]s", scheme, face.Addr(), face.HooksAddr()))
	var all errgroup.Group
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all.Go(func() error {
		defer stop() // without its HTTP face the process isn't monitored, so it ends
		return face.Serve(ctx)
	})
	all.Go(func() error {
		defer stop()
		return lead(ctx, a, o, relay.name, func(ctx context.Context) {
			all.Go(func() error { relay.lead(ctx); return nil })
			k.Run(ctx)
		})
	})
	all.Go(func() error {
		objects.watch(ctx, o.reload, use, func(findings []pinsetter.Finding) {
			metrics.Stale(len(findings) > 0)
			k.Complain(findings)
		})
		return nil
	})
	err = all.Wait()
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayGoodbye)
	defer cancel()
	_ = notifier.Close(bye) // it has reported the undelivered events
	return cli.Finish(err)
}

// leadAgain is the time between two attempts to ask for the lead where the state
// doesn't answer.
const leadAgain = 2 * time.Second

// lead calls run; with --leader-elect it first waits until this process leads. While
// the state doesn't answer nobody leads, and the wait goes on: the process shows the
// status page and refuses webhooks meanwhile. Losing the lead is an error: the
// process's supervisor starts it again.
func lead(ctx context.Context, a *cli.App, o serveFlags, name string, run func(context.Context)) error {
	if !o.leaderElect {
		run(ctx)
		return nil
	}
	a.Log.Info("waiting for the lead", "state", a.Ledger.String())
	leading, resign, err := a.Ledger.Lead(ctx, name)
	for failed := 0; errors.Is(err, store.ErrUnreachable) && pause.For(ctx, leadAgain) == nil; failed++ {
		if failed%30 == 0 { // once a minute
			a.Log.Error("the state doesn't answer, so that nobody leads: it is asked again", "error", err)
		}
		leading, resign, err = a.Ledger.Lead(ctx, name)
	}
	if ctx.Err() != nil {
		return nil // ctx ended before it led
	}
	if err != nil {
		return err
	}
	defer resign()
	a.Log.Info("leading")
	run(leading)
	if ctx.Err() == nil {
		return fmt.Errorf("the lead is lost: %w", context.Cause(leading))
	}
	return nil
}

// undelivered reports an event that could not be delivered.
func undelivered(a *cli.App, err error) { a.Log.Warn("an event is not delivered", "error", err) }

func hostname() string {
	name, _ := os.Hostname() // "": no instance
	return name
}

// doors receives webhooks for the Receivers of the set in use.
type doors struct {
	app     *cli.App
	relay   *relay
	handler atomic.Pointer[hook.Handler]

	refusals refusals
}

// refusalPause is the time between two lines of the log about refused webhooks of one
// receiver, or of none: whoever reaches the port can't fill the log.
const refusalPause = time.Minute

// refusals counts what isn't said of refused webhooks. The zero value is ready, and
// safe for concurrent use.
type refusals struct {
	mu     sync.Mutex
	said   map[pinsetter.Name]time.Time
	unsaid map[pinsetter.Name]int
}

// due reports whether a refusal is to be said, and how many before it were not.
func (r *refusals) due(receiver pinsetter.Name, now time.Time) (int, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil {
		r.said, r.unsaid = map[pinsetter.Name]time.Time{}, map[pinsetter.Name]int{}
	}
	if last, found := r.said[receiver]; found && now.Sub(last) < refusalPause {
		r.unsaid[receiver]++
		return 0, false
	}
	more := r.unsaid[receiver]
	r.said[receiver], r.unsaid[receiver] = now, 0
	return more, true
}

func (d *doors) use(set *fleet.Set) {
	h, err := hook.New(set.Receivers, hook.Options{
		Wake: func(ctx context.Context, w hook.Wake) error {
			d.app.Log.Info("a webhook asks to look", "receiver", w.Receiver, "objects", len(w.Objects))
			return d.relay.wake(ctx, w.Objects)
		},
		Refused: func(receiver pinsetter.Name, status int, err error) {
			if more, due := d.refusals.due(receiver, time.Now()); due {
				d.app.Log.Warn("a webhook is refused", "receiver", receiver, "status", status, "error", err, "unsaid", more)
			}
		},
		Environment: d.app.Environment(),
		Dialer:      d.app.Dialer(),
	})
	if err != nil {
		d.app.Log.Error("a Receiver is left out", "error", err)
	}
	if h != nil {
		d.handler.Store(h)
	}
}

// ServeHTTP implements http.Handler.
func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := d.handler.Load(); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// observer passes events of a bot and its keeper to the metrics.
type observer struct{ *server.Metrics }

func (o observer) Push(err error)                { o.Metrics.Push(err) }
func (o observer) PullRequest(action bot.Action) { o.Metrics.PullRequest(string(action)) }
func (o observer) Selected(held bool, err error) { o.Selection(stateOf(held, err)) }

func stateOf(held bool, err error) server.State {
	switch {
	case err != nil:
		return server.Failing
	case held:
		return server.Held
	}
	return server.OK
}

// statusPage provides the keeper's data to the status page.
type statusPage struct {
	keeper *keeper.Keeper
	ledger *store.Ledger
	last   atomic.Pointer[shownStatus]
}

// shownStatus is a picture and its form for the page.
type shownStatus struct {
	picture *keeper.Picture
	status  *server.Status
}

// Status implements server.Source.
func (s *statusPage) Status() *server.Status {
	picture := s.keeper.Picture()
	if picture == nil {
		return nil
	}
	if last := s.last.Load(); last != nil && last.picture == picture {
		return last.status
	}
	status := statusOf(picture)
	s.last.Store(&shownStatus{picture, status})
	return status
}

// Explain implements server.Source.
func (s *statusPage) Explain(ctx context.Context, name pinsetter.Name) (*server.Explanation, error) {
	e := s.keeper.Explain(ctx, name)
	if e == nil {
		return nil, fmt.Errorf("ImagePolicy %s: %w", name, server.ErrUnknown)
	}
	shown := &server.Explanation{Explanation: e.Explanation}
	if e.Err != nil {
		shown.Error = e.Err.Error()
	}
	return shown, nil
}

// History implements server.Source.
func (s *statusPage) History(ctx context.Context, f store.Filter) ([]store.Run, error) {
	return s.ledger.Runs().History(ctx, f)
}

// statusOf converts a picture for the status page.
func statusOf(p *keeper.Picture) *server.Status {
	status := &server.Status{At: p.At, Recent: p.Recent, Findings: p.Findings}
	for _, a := range p.Automations {
		shown := server.Automation{
			Namespace: a.Name.Namespace, Name: a.Name.Name, Repository: a.Repository, Web: a.Web, Branch: a.Branch, Proposes: a.Proposes, Revision: a.Revision,
			Suspended: a.Suspended, LastRun: a.LastRun, LastSuccess: a.LastSuccess, NextRun: a.NextRun,
			PullRequests: []store.PullRequest{}, Held: []server.Hold{}, Unverified: a.Unverified,
		}
		for _, pr := range a.PullRequests {
			shown.PullRequests = append(shown.PullRequests, store.PullRequest{Number: pr.Number, URL: pr.URL, Action: string(pr.Action)})
		}
		for _, h := range a.Held {
			shown.Held = append(shown.Held, server.Hold{Hold: h, Rule: h.Rule})
		}
		if a.Err != nil {
			shown.Error = a.Err.Error()
		}
		status.Automations = append(status.Automations, shown)
	}
	for _, s := range p.Policies {
		status.Policies = append(status.Policies, server.Policy{
			Namespace: s.Namespace, Name: s.Name, Image: s.Image, Rule: s.Rule, Suspended: s.Suspended,
			Tag: s.Tag, Digest: s.Digest, Ref: s.Ref, Tags: s.Listing.Tags, ScannedAt: s.Listing.At, Held: s.Held, Error: s.Error,
		})
	}
	return status
}
