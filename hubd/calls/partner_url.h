#ifndef HUBD_CALLS_PARTNER_URL_H
#define HUBD_CALLS_PARTNER_URL_H

#include "hubd/hub.h"
#include "lib/http/url.h"

/*
 * The one door for URLs that the hub is given to call: a partner's credentials url, the endpoints that it
 * lists, its response_urls, and what the account team types (hub-ocpi(7), CREDENTIALS; hubctl-receiver(1)).
 */
enum partner_url_use {
    PARTNER_URL_BASE,    /* ids are joined to it: the base of a module */
    PARTNER_URL_DOCUMENT /* called as it stands; may have a query */
};

/*
 * `text` as it is kept, in the arena or within `text`. A BASE is cut at its first `{`, plain or
 * percent-encoded, and has no slash at its end, no query and at most PARTNER_URL_BASE_MAX bytes, so that the
 * ids have room behind it. ERR_INVALID with what is wrong: the form (lib/http/url.h), that it is the hub's
 * own, or an address that the hub never calls.
 */
#define PARTNER_URL_BASE_MAX 1024
int partner_url_read(const struct hub *hub, struct arena *arena, struct str text, enum partner_url_use use,
                     struct str *url, struct error *error);
/* The host is an address that the settings do not let the hub call now, with the reason; of a name only the
 * call itself can tell. Control loop. */
bool partner_url_is_refused(const struct hub *hub, struct arena *arena, struct str url, struct error *error);
/*
 * Whether a request to `url` would come back to the hub: the origin of base_url (80 and 443 of its host where
 * that names no port), or a listener by address, in whatever numeric form, by `localhost` or by this
 * machine's name. What other names resolve to is seen when they are called (lib/http/url_own.h).
 */
bool partner_url_is_hubs_own(const struct hub *hub, struct arena *arena, struct str url);

#endif
