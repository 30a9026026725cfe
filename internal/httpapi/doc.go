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
//	POST   {root}/events                                     events from outside
//	POST   {root}/replies/{model}/{port}/{key}               the answer that a port waits for
//	POST   {root}/replies/{model}/{port}/{key}/refusal       or its refusal
//
// HEAD goes where GET goes. A model with inbound ports changes through them:
// its PATCH, PUT and DELETE answer 405 until Model.API opens them.
//
// # Ports
//
// A port that names Methods answers these and no others; an inbound one that
// names none answers POST and PATCH, an outbound one nothing. A port with a
// Path is at {root}/{path} instead of its usual paths; of two that want one
// path, the first by model and port has it, the other is logged and has none.
// What the host has is nobody else's.
//
// The body of an inbound port is its request; an empty one is {}. An outbound
// port makes its request itself: its body is empty or {}. The answer is 200,
// 204 where there is none to give, and 202 where it comes later.
//
// GET is for ports without a document that change nothing. The query is the
// request: name=value for each member, an array's name once for each element.
// Strings, integers, numbers, booleans and arrays of them can be said; a name
// that the request has not, and one given twice, are 400; values that break
// its rules are 422. GET takes no body and needs no key, and pages of other
// origins can send it, though not read its answer.
//
// # Events and replies
//
// {root}/events takes CloudEvents 1.0: one as application/cloudevents+json, up
// to 100 as application/cloudevents-batch+json, or one in ce- headers with its
// data as the body. id (255 bytes), source (256), type and subject (128) must
// be there, the data must be JSON, and the source must not be a model of this
// host, whose events nobody else tells. Of the extensions traceparent is
// believed; caller is the request's, and time, if it is missing, now. 202 means
// that all are kept. Of a batch that fails on the way the first may be: send it
// again, since ids are the same.
//
// A reply is the answer as JSON, an empty body being null. A refusal is
// {"code":"failed_precondition","message":"no money"}; both members may be
// missing, and the code must be one of package modelspec. {key} is the
// correlation key of the call, 1 to 255 bytes, percent-encoded. 204 means that
// the answer is kept; a second one, and one that nobody waits for, is what
// Config.Complete says. To Config.Authorize a reply is an action of
// its own, ActionReply: who may call a port may not therefore answer for it.
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
//     its body or any document is read. Without it the models are open, and
//     the host, events and replies are closed.
//   - GET and HEAD change nothing here. http.CrossOriginProtection refuses what
//     pages of other origins send, bodies need a JSON content type, and headers
//     that override the method are not read.
//   - Everything from outside has a limit: body, query, terms, headers read
//     here, time (Config.Timeout) and rate (Config.Rate, per caller or address).
//   - A panic in the embedder's functions or the backend is a 500, and is
//     logged with its stack. http.ErrAbortHandler goes on, as net/http wants.
//
// There is no CORS and no compression here: wrap the handler.
package httpapi
