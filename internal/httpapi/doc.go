// Package httpapi serves the REST API of a host: for each model the paths
//
//	POST   {root}/models/{endpoint}                          create
//	GET    {root}/models/{endpoint}                          list
//	GET    {root}/models/{endpoint}/{id}                     find
//	PATCH  {root}/models/{endpoint}/{id}                     change: JSON Merge Patch (RFC 7396)
//	PUT    {root}/models/{endpoint}/{id}                     replace what exists
//	DELETE {root}/models/{endpoint}/{id}                     remove
//	POST   {root}/models/{endpoint}/{id}/{port}              command; PATCH does the same
//	POST   {root}/models/{endpoint}/{id}/service/ports/{port}
//	POST   {root}/models/{endpoint}/service/ports/{port}     of ports that need no document
//	GET    {root}/models/{endpoint}/{id}/{relation}          related documents
//	GET    {root}/...                                        whatever Config.Host names
//
// HEAD goes where GET goes. A model with inbound ports changes through them:
// its PATCH, PUT and DELETE answer 405 until Model.API opens them.
//
// # Documents
//
// A document is an object: id, the members of the model's schema that are not
// write-only, and createTime, updateTime and modelName, unless the model has
// members of those names. Its ETag is its revision; reads take If-None-Match,
// writes If-Match, and a mismatch is 412. What a later version of the model
// stored in the document is kept in every write and never shown.
//
// A body is strict JSON: UTF-8, no name twice, nesting up to 64, no member
// that the schema lacks. All broken rules are told at once, with JSON Pointers.
// A replacement may contain what a read showed: createTime and updateTime are
// ignored, id and modelName must be right. It removes what it leaves out, but
// for what no client can send: read-only, write-only and unknown members.
//
// A list is {"data":[...],"next":"..."}, and a Link header to the next page.
// Its query takes field=value for indexed fields that clients can read, __sort,
// __limit (1 to 500) and __cursor, each once, and refuses anything else.
//
// # Errors
//
// Every error is a problem (RFC 9457) with a code of package modelspec, the
// fields concerned, and a trace id: the request's traceparent, or a new one.
// The text of internal, unknown and data_loss stays in the log, under the
// trace id; so does that of errors without a code from Config.Caller and
// Config.Authorize.
//
//	400 malformed JSON, query, header or id     409 already_exists, aborted, failed_precondition
//	401 unauthenticated                         412 failed_precondition, for If-Match
//	403 permission_denied                       413 body over Config.MaxBody
//	404 not_found                               415 content type or encoding
//	405 with Allow                              422 invalid_argument
//	408 body too slow                           429 resource_exhausted, with Retry-After
//	499 canceled    500 internal, unknown, data_loss    501 unimplemented
//	503 unavailable, with Retry-After           504 deadline_exceeded
//
// # Guarantees
//
//   - The routes are an immutable http.ServeMux per federation.Snapshot. A
//     request uses those of its moment to the end; a change of the table costs
//     no request. Aegis-Generation names the generation that answered.
//   - A write that carries Idempotency-Key (1 to 255 visible ASCII characters,
//     bare or quoted) may be sent again; the answer to a repetition has
//     Idempotency-Replayed: true.
//   - Config.Authorize is asked once for each request that has a route, before
//     its body or any document is read. Without it the models are open and the
//     host is closed.
//   - GET and HEAD change nothing. http.CrossOriginProtection refuses what
//     pages of other origins send, bodies need a JSON content type, and headers
//     that override the method are not read.
//   - Everything from outside has a limit: body, query, terms, headers read
//     here, time (Config.Timeout) and rate (Config.Rate, per caller or address).
//   - A panic in the embedder's functions or the backend is a 500, and is
//     logged with its stack. http.ErrAbortHandler goes on, as net/http wants.
//
// There is no CORS and no compression here: wrap the handler.
package httpapi
