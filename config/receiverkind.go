package config

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// The kinds of the group notification.toolkit.fluxcd.io.
const (
	notificationGroup = "notification.toolkit.fluxcd.io"

	kindReceiver = "Receiver"
	kindProvider = "Provider"
	kindAlert    = "Alert"
)

// Notifications says what is made of Receivers, Providers and Alerts.
type Notifications uint8

// What is made of Receivers, Providers and Alerts.
const (
	NotificationsIgnored Notifications = iota // they are passed over like objects of other kinds
	NotificationsChecked                      // they are loaded, and what is wrong with them is a warning
	NotificationsUsed                         // they are loaded
)

// classifyNotification is classify for notificationGroup. Of its kinds only those
// three are known, next year's being no mistake.
func classifyNotification(version, kind string) reading {
	item := strings.TrimSuffix(kind, kindList)
	switch {
	case item != kindReceiver && item != kindProvider && item != kindAlert:
		return readNot
	case !knownVersion(imageGroup, version) && version != "v1beta3":
		return readOutdated
	case item != kind:
		return readList
	}
	return readObject
}

// isNotification reports whether an object is of notificationGroup.
func isNotification(apiVersion string) bool {
	return strings.HasPrefix(apiVersion, notificationGroup+"/")
}

var notificationLine = pinsetter.Pattern(`(?m)^["'{]*kind["']?\s*:\s*["']?(Receiver|Provider|Alert)(List)?\b`)

// claimsNotification says of a document that can't be parsed, and is no template,
// whether it says that it is of notificationGroup.
func claimsNotification(data []byte) bool {
	return notificationLine().Match(data) && bytes.Contains(data, []byte(notificationGroup+"/")) && !strict.IsTemplate(data)
}

// unreadableNotification reports such a document.
func (l *loader) unreadableNotification(path string, failure *strict.Error) {
	o := &object{origin: fleet.Origin{Path: path, Line: failure.Line}, advisory: l.opts.Notifications == NotificationsChecked}
	if l.opts.Notifications != NotificationsIgnored {
		o.add(pinsetter.Finding{Severity: pinsetter.Error, Code: failure.Code, Path: path, Line: failure.Line, Message: failure.Err.Error()})
		l.findings = append(l.findings, o.said()...)
	}
}

// setNotifications resolves what was loaded of notificationGroup.
func (l *loader) setNotifications(s *fleet.Set) {
	for _, r := range l.receivers {
		l.resolveReceiver(r)
		s.Receivers = append(s.Receivers, r.out)
	}
	for _, a := range l.alerts {
		l.resolveAlert(a)
		s.Alerts = append(s.Alerts, a.out)
	}
	for _, p := range l.sentTo {
		s.Providers = append(s.Providers, p)
	}
	slices.SortFunc(s.Receivers, func(a, b *fleet.Receiver) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Providers, func(a, b *fleet.Provider) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Alerts, func(a, b *fleet.Alert) int { return a.Name.Compare(b.Name) })
}

// said returns what is said of the object: of one that nothing here uses,
// warnings.
func (o *object) said() []pinsetter.Finding {
	if o.advisory {
		for i := range o.findings {
			o.findings[i].Severity = pinsetter.Warning
		}
	}
	return o.findings
}
