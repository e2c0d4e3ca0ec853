package dialogue

import (
	"net/url"
	"slices"
)

// redirected reports whether the answer sends us elsewhere on the same server,
// and goes there (RFC 9110 section 15.4). An accepted status is an answer, and
// so is what leads to another scheme: that would be another server.
func (r *request) redirected() bool {
	codes := []int{301, 302, 303, 307, 308}
	if r.redirects >= r.plan.ask.Redirects || !slices.Contains(codes, r.status) || accepts(r.plan.ask.Status, r.status) {
		return false
	}
	var location string
	for _, f := range r.fields {
		if f.Name == "location" {
			location = f.Value
		}
	}
	base := url.URL{Scheme: r.to.scheme, Host: r.to.host}
	from, err := base.Parse(r.to.path)
	if err != nil || location == "" {
		return false
	}
	to, err := from.Parse(location)
	if err != nil || to.Scheme != r.to.scheme || to.Host == "" {
		return false
	}
	r.redirects++
	r.to.host, r.to.path = to.Host, to.RequestURI()
	if r.status < 307 && r.to.method != "HEAD" {
		r.to.method, r.to.body = "GET", ""
	}
	return true
}
