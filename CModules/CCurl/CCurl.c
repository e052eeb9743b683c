#define _GNU_SOURCE
#include "CCurl.h"

#if __has_include(<curl/curl.h>)
// The options below exist in every libcurl since 7.68; newer headers call some of them deprecated.
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#else
#error "libcurl's headers are missing: apt-get install libcurl4-openssl-dev"
#endif

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static struct {
    typeof(curl_global_init) *global_init;
    typeof(curl_version) *version;
    typeof(curl_slist_append) *slist_append;
    typeof(curl_slist_free_all) *slist_free_all;
    typeof(curl_easy_init) *easy_init;
    typeof(curl_easy_reset) *easy_reset;
    typeof(curl_easy_cleanup) *easy_cleanup;
    typeof(curl_easy_strerror) *easy_strerror;
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    typeof(curl_multi_init) *multi_init;
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    typeof(curl_multi_add_handle) *multi_add_handle;
    typeof(curl_multi_remove_handle) *multi_remove_handle;
    typeof(curl_multi_perform) *multi_perform;
    typeof(curl_multi_info_read) *multi_info_read;
    typeof(curl_multi_poll) *multi_poll;
    typeof(curl_multi_wakeup) *multi_wakeup;
    typeof(curl_multi_cleanup) *multi_cleanup;
    typeof(curl_multi_strerror) *multi_strerror;
} curl;

static const struct {
    const char *name;
    void **slot;
} symbols[] = {
    {"curl_global_init", (void **)&curl.global_init},
    {"curl_version", (void **)&curl.version},
    {"curl_slist_append", (void **)&curl.slist_append},
    {"curl_slist_free_all", (void **)&curl.slist_free_all},
    {"curl_easy_init", (void **)&curl.easy_init},
    {"curl_easy_reset", (void **)&curl.easy_reset},
    {"curl_easy_cleanup", (void **)&curl.easy_cleanup},
    {"curl_easy_strerror", (void **)&curl.easy_strerror},
    {"curl_easy_setopt", (void **)&curl.easy_setopt},
    {"curl_easy_getinfo", (void **)&curl.easy_getinfo},
    {"curl_multi_init", (void **)&curl.multi_init},
    {"curl_multi_setopt", (void **)&curl.multi_setopt},
    {"curl_multi_add_handle", (void **)&curl.multi_add_handle},
    {"curl_multi_remove_handle", (void **)&curl.multi_remove_handle},
    {"curl_multi_perform", (void **)&curl.multi_perform},
    {"curl_multi_info_read", (void **)&curl.multi_info_read},
    {"curl_multi_poll", (void **)&curl.multi_poll},
    {"curl_multi_wakeup", (void **)&curl.multi_wakeup},
    {"curl_multi_cleanup", (void **)&curl.multi_cleanup},
    {"curl_multi_strerror", (void **)&curl.multi_strerror},
};

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static char load_error[256];
static int loaded;

static void load(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(load_error, sizeof load_error, "libcurl cannot be opened (%s): apt-get install libcurl4", dlerror());
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        *symbols[i].slot = dlsym(library, symbols[i].name);
        if (*symbols[i].slot == NULL) {
            snprintf(load_error, sizeof load_error, LIBRARY " lacks %s: version 7.68 or newer is needed",
                     symbols[i].name);
            return;
        }
    }
    CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        snprintf(load_error, sizeof load_error, "libcurl does not start: %s", curl.easy_strerror(code));
        return;
    }
    loaded = 1;
}

const char *ccurl_load(void) {
    pthread_once(&load_once, load);
    return loaded ? NULL : load_error;
}

const char *ccurl_version(void) {
    return loaded ? curl.version() : "";
}

struct ccurl_client {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    int active;  // the easy handle is in the multi handle
    ccurl_receive on_header;
    ccurl_receive on_body;
    void *context;
    enum ccurl_outcome outcome;
    long status;
    char error[CURL_ERROR_SIZE];
};

ccurl_client *ccurl_client_new(void) {
    if (!loaded) return NULL;
    ccurl_client *client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    client->multi = curl.multi_init();
    client->easy = curl.easy_init();
    if (client->multi == NULL || client->easy == NULL) {
        ccurl_client_free(client);
        return NULL;
    }
    curl.multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, 1L);
    return client;
}

static void finish(ccurl_client *client) {
    if (client->active) {
        curl.multi_remove_handle(client->multi, client->easy);
        client->active = 0;
    }
    curl.slist_free_all(client->headers);
    client->headers = NULL;
}

void ccurl_client_free(ccurl_client *client) {
    if (client == NULL) return;
    finish(client);
    if (client->easy != NULL) curl.easy_cleanup(client->easy);
    if (client->multi != NULL) curl.multi_cleanup(client->multi);
    free(client);
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *user) {
    ccurl_client *client = user;
    return client->on_header(client->context, bytes, size * count) == 0 ? size * count : 0;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *user) {
    ccurl_client *client = user;
    if (size * count == 0) return 0;
    return client->on_body(client->context, bytes, size * count) == 0 ? size * count : 0;
}

static int append_header(ccurl_client *client, const char *line) {
    struct curl_slist *longer = curl.slist_append(client->headers, line);
    if (longer == NULL) return -1;
    client->headers = longer;
    return 0;
}

// Options that an old library may not know are set without looking at the result; the others must work.
static CURLcode set_options(ccurl_client *client, const struct ccurl_request *request) {
    CURL *easy = client->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) \
    if (code == CURLE_OK) code = curl.easy_setopt(easy, option, value)
    SET(CURLOPT_ERRORBUFFER, client->error);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    // The token must not follow a redirect to another host, and a redirected POST would lose its body.
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    // Neither $https_proxy nor ~/.netrc may change where a printer's token goes.
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (request->ca_file != NULL) SET(CURLOPT_CAINFO, request->ca_file);
    SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms);
    SET(CURLOPT_TIMEOUT_MS, request->total_timeout_ms);
    SET(CURLOPT_HTTPHEADER, client->headers);
    SET(CURLOPT_HEADERFUNCTION, receive_header);
    SET(CURLOPT_HEADERDATA, client);
    SET(CURLOPT_WRITEFUNCTION, receive_body);
    SET(CURLOPT_WRITEDATA, client);
    if (request->body != NULL) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
        SET(CURLOPT_POSTFIELDS, request->body);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
#undef SET
#if LIBCURL_VERSION_NUM >= 0x075700
    // A name server that does not answer must not hold up a cancelled request.
    curl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return code;
}

int ccurl_start(ccurl_client *client, const struct ccurl_request *request) {
    ccurl_cancel(client);
    curl.easy_reset(client->easy);
    client->on_header = request->on_header;
    client->on_body = request->on_body;
    client->context = request->context;
    client->outcome = CCURL_OTHER;
    client->status = 0;
    client->error[0] = 0;
    int failed = 0;
    for (size_t i = 0; i < request->header_count; i++) failed |= append_header(client, request->headers[i]);
    // An empty value removes the header that libcurl adds to long bodies; Connect never answers "100 Continue".
    failed |= append_header(client, "Expect:");
    CURLcode code = failed ? CURLE_OUT_OF_MEMORY : set_options(client, request);
    if (code != CURLE_OK) {
        snprintf(client->error, sizeof client->error, "%s", curl.easy_strerror(code));
        finish(client);
        return (int)code;
    }
    CURLMcode added = curl.multi_add_handle(client->multi, client->easy);
    if (added != CURLM_OK) {
        snprintf(client->error, sizeof client->error, "%s", curl.multi_strerror(added));
        finish(client);
        return (int)added;
    }
    client->active = 1;
    return 0;
}

static enum ccurl_outcome outcome_of(CURLcode code, CURL *easy) {
    long os_error = 0;
    switch (code) {
    case CURLE_OK: return CCURL_OK;
    case CURLE_COULDNT_RESOLVE_HOST: return CCURL_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        curl.easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
        return os_error == ENETUNREACH || os_error == EHOSTUNREACH || os_error == ENETDOWN ? CCURL_UNREACHABLE
                                                                                           : CCURL_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return CCURL_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM: return CCURL_TLS;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return CCURL_CUT;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return CCURL_GARBAGE;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return CCURL_REFUSED;
    default: return CCURL_OTHER;
    }
}

static int collect(ccurl_client *client) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl.multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        client->outcome = outcome_of(code, client->easy);
        curl.easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &client->status);
        if (client->error[0] == 0 && code != CURLE_OK) {
            snprintf(client->error, sizeof client->error, "%s", curl.easy_strerror(code));
        }
        finish(client);
        return 1;
    }
    return 0;
}

int ccurl_wait(ccurl_client *client, int timeout_ms) {
    int running = 0;
    if (client->active) {
        curl.multi_perform(client->multi, &running);
        if (collect(client)) return 1;
    }
    curl.multi_poll(client->multi, NULL, 0, timeout_ms, NULL);
    if (!client->active) return 0;
    curl.multi_perform(client->multi, &running);
    return collect(client);
}

void ccurl_wake(ccurl_client *client) {
    curl.multi_wakeup(client->multi);
}

enum ccurl_outcome ccurl_outcome(const ccurl_client *client) {
    return client->outcome;
}

long ccurl_status(const ccurl_client *client) {
    return client->status;
}

const char *ccurl_error_text(const ccurl_client *client) {
    return client->error;
}

void ccurl_cancel(ccurl_client *client) {
    finish(client);
}
