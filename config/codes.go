package config

// Codes explains, by code, the findings of Load in one line each.
var Codes = map[string]string{}
