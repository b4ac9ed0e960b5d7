package claim

import (
	"bytes"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// The kinds of the group notification.toolkit.fluxcd.io.
const (
	NotificationGroup = "notification.toolkit.fluxcd.io"

	KindReceiver = "Receiver"
	KindProvider = "Provider"
	KindAlert    = "Alert"
)

// classifyNotification is Classify for NotificationGroup. Of its kinds only those
// three are known, next year's being no mistake.
func classifyNotification(version, kind string) Reading {
	item := strings.TrimSuffix(kind, KindList)
	switch {
	case item != KindReceiver && item != KindProvider && item != KindAlert:
		return ReadNot
	case !knownVersion(ImageGroup, version) && version != "v1beta3":
		return ReadOutdated
	case item != kind:
		return ReadList
	}
	return ReadObject
}

// IsNotification reports whether an object is of NotificationGroup.
func IsNotification(apiVersion string) bool {
	return strings.HasPrefix(apiVersion, NotificationGroup+"/")
}

var notificationLine = pinsetter.Pattern(`(?m)^["'{]*kind["']?\s*:\s*["']?(Receiver|Provider|Alert)(List)?\b`)

// IsUnreadNotification says of a document that can't be parsed, and is no template,
// whether it says that it is of NotificationGroup.
func IsUnreadNotification(data []byte) bool {
	return notificationLine().Match(data) && bytes.Contains(data, []byte(NotificationGroup+"/")) && !strict.IsTemplate(data)
}
