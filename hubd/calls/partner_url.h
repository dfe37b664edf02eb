#ifndef HUBD_CALLS_PARTNER_URL_H
#define HUBD_CALLS_PARTNER_URL_H

#include "hubd/hub.h"
#include "lib/http/url.h"

/*
 * Checks every URL that somebody gives the hub to call: a partner's credentials url, the endpoints that it
 * lists, its response_urls, and what the account team types (hub-ocpi(7), CREDENTIALS; hubctl-receiver(1)).
 */
enum partner_url_use {
    PARTNER_URL_BASE,    /* ids are joined to it: the base of a module */
    PARTNER_URL_DOCUMENT /* called unchanged; may have a query */
};

/*
 * Sets `*url` to what is stored for `text`, in the arena or a view of `text`. A BASE is cut at the first `{`,
 * plain or percent-encoded; it has no slash at its end, no query and at most PARTNER_URL_BASE_MAX bytes, so
 * that ids can follow. ERR_INVALID with a sentence in `error`: the form is wrong (lib/http/url.h), the URL is
 * the hub's own, or the hub never calls its address.
 */
#define PARTNER_URL_BASE_MAX 1024
int partner_url_read(const struct hub *hub, struct arena *arena, struct str text, enum partner_url_use use,
                     struct str *url, struct error *error);
/* Whether the host is an IP address that the settings forbid the hub to call now; `error` has the reason. A
 * host name is checked when it is called. Control loop. */
bool partner_url_is_refused(const struct hub *hub, struct arena *arena, struct str url, struct error *error);
/*
 * Whether a request to `url` would come back to the hub: the origin of base_url (80 and 443 of its host where
 * that names no port), or a listener by address, in whatever numeric form, by `localhost` or by this
 * machine's name. Other names are checked when they are called (lib/http/url_own.h).
 */
bool partner_url_is_hubs_own(const struct hub *hub, struct arena *arena, struct str url);

#endif
