// Package httpsource fetches modules over HTTPS.
//
// References are https URLs, and http URLs to the loopback address, or to any
// host with [Config.AllowPlain]. At most five redirects are followed, none from
// https to http and none to where the reference itself could not lead.
//
// A module whose server gives it a strong ETag is remembered and asked for
// with If-None-Match, so that an unchanged one is not sent twice; and callers
// that ask for one reference at the same time share one fetch.
//
// Errors carry a code (not_found, permission_denied, unavailable,
// resource_exhausted, invalid_argument) and name the URL without its userinfo
// and query, where people put secrets.
package httpsource
