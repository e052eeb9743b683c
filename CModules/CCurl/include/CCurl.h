// libcurl for Swift: its calls are variadic, which Swift cannot import, and it is opened late.
//
// libcurl is opened with dlopen at first use and never linked: it brings 36 more libraries and 8 MiB of resident
// memory, and a print that does without Connect shall not pay for them.
//
// One client carries one request at a time over one kept-alive connection. All calls on a client belong to one
// thread, except `ccurl_wake`.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Opens libcurl.so.4 and initialises it; thread-safe, cheap when done before. NULL when it worked, else a text
/// that says what is missing.
const char *ccurl_load(void);

/// "libcurl/7.88.1 OpenSSL/3.0.17 …"; an empty text before a successful `ccurl_load`.
const char *ccurl_version(void);

/// How a request ended. Everything but CCURL_OK means that there is no complete answer.
enum ccurl_outcome {
    CCURL_OK = 0,
    CCURL_RESOLVE,      // the host name could not be resolved
    CCURL_UNREACHABLE,  // no route to the host or the network is down
    CCURL_CONNECT,      // the host refused the connection
    CCURL_TIMEOUT,      // connecting or the whole request took longer than allowed
    CCURL_TLS,          // handshake or certificate
    CCURL_CUT,          // the connection ended before the answer was complete
    CCURL_GARBAGE,      // the answer is no HTTP
    CCURL_REFUSED,      // a callback ended the request
    CCURL_OTHER,
};

/// Receives a piece of the answer. A value other than 0 ends the request with CCURL_REFUSED.
typedef int (*ccurl_receive)(void *context, const char *bytes, size_t length);

/// A request. The strings and the header array are copied by `ccurl_start`; the body must stay until the end.
struct ccurl_request {
    const char *method;
    const char *url;
    /// Header lines "Name: value", sent in this order.
    const char *const *headers;
    size_t header_count;
    const void *body;  // NULL: none
    size_t body_length;
    const char *ca_file;  // NULL: the system's certificates
    long connect_timeout_ms;
    long total_timeout_ms;
    /// Called with each line of the header block, the status line included.
    ccurl_receive on_header;
    ccurl_receive on_body;
    void *context;
};

typedef struct ccurl_client ccurl_client;

/// A client without connection, or NULL when there is no memory or `ccurl_load` was not successful.
ccurl_client *ccurl_client_new(void);

/// Cancels what is under way, closes the connection and frees the client.
void ccurl_client_free(ccurl_client *client);

/// Starts a request; 0 when it is under way, else a CURLcode or CURLMcode (`ccurl_error_text` tells more).
int ccurl_start(ccurl_client *client, const struct ccurl_request *request);

/// Moves the request on and waits until it ended (1), `timeout_ms` passed or `ccurl_wake` was called (0).
/// Works without a request too: then it only waits.
int ccurl_wait(ccurl_client *client, int timeout_ms);

/// Ends the present or the next `ccurl_wait` early. From any thread.
void ccurl_wake(ccurl_client *client);

/// After `ccurl_wait` returned 1.
enum ccurl_outcome ccurl_outcome(const ccurl_client *client);
long ccurl_status(const ccurl_client *client);
const char *ccurl_error_text(const ccurl_client *client);

/// Ends a request under way and closes its connection; nothing happens without one.
void ccurl_cancel(ccurl_client *client);
