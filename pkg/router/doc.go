// Package router is the vrrp role: it runs every virtual router of the
// configuration and keeps addresses, routes and rules where they belong.
package router
