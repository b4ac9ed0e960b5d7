package config

import (
	"slices"

	"github.com/pinsetter/pinsetter/fleet"
)

// Notifications says what is made of Receivers, Providers and Alerts.
type Notifications uint8

// What is made of Receivers, Providers and Alerts.
const (
	NotificationsIgnored Notifications = iota // they are passed over like objects of other kinds
	NotificationsChecked                      // they are loaded, and what is wrong with them is a warning
	NotificationsUsed                         // they are loaded
)

// setNotifications resolves what was loaded of the group for notifications.
func (l messenger) setNotifications(s *fleet.Set) {
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
