// Package holdfast is the root of the module; the program is cmd/holdfast.
package holdfast
