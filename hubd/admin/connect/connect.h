#ifndef HUBD_ADMIN_CONNECT_CONNECT_H
#define HUBD_ADMIN_CONNECT_CONNECT_H

#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/partners/registration.h"
#include "lib/base/sm.h"

/*
 * The commands by which the hub calls a partner first: `party connect` and `token rotate` exchange credentials,
 * `receiver discover` only reads the partner's endpoints (OCPI 2.2.1, Credentials: Registration, PUT; hub-ocpi(7),
 * CREDENTIALS). Other admin requests run during the calls. What is stored before and after them is a step of a change
 * (change_step):
 *
 *   party connect      discovery, hub token stored, POST, discovery with the partner's new token, all stored
 *   token rotate       (discovery where no endpoint is known,) hub token stored, PUT, discovery, all stored
 *   receiver discover  discovery, receivers stored
 *
 * When it fails, the hub token is deleted again and the audit gets a row. Only one of these runs for a platform at a
 * time.
 */
#define CONNECT_MAGIC 0x434f4e4eu
/* The hint when only the partner can find out more. */
#define CONNECT_ASK_PARTNER "the partner's engineers can tell why"

struct connect_kind {
    const char *action; /* in the audit */
    enum http_method method;
    bool first;                           /* a registration */
    bool looks;                           /* only discovery */
    const char *refused, *method_refused; /* hints for a partner's 401 and 405 */
};

/* The steps: the hub token is stored before it is sent, and deleted at most once. */
enum connect_state {
    CONNECT_BEGUN,
    CONNECT_DISCOVERING,       /* with the token the account team was given */
    CONNECT_STORING_TOKEN,     /* the hub token, so that the partner may use it */
    CONNECT_CALLING,           /* POST or PUT at the partner */
    CONNECT_DISCOVERING_AGAIN, /* with the partner's new token */
    CONNECT_STORING,           /* the result */
    CONNECT_FAILING,           /* taking the hub token back */
    CONNECT_ENDED,
};

struct connect {
    uint32_t magic;
    enum connect_state state; /* changed by connect_move only */
    const struct connect_kind *kind;
    struct hub *hub;
    struct ctl_request *request;
    struct arena *arena; /* the request's */
    struct ring queue;   /* of admin->connects */
    /* as it was at the beginning */
    int64_t platform;
    struct str id;    /* of the party, as people write it */
    struct str party; /* its key */
    struct str
        sealed; /* the partner's token as stored: another one later shows that somebody else was faster */
    struct str token;   /* what the account team was given; else the registry's is presented */
    struct str url;     /* where discovery begins */
    struct str learned; /* what answered the last one; may be empty */
    bool raw_first;
    struct str correlation_id; /* of all calls */
    /* on the way */
    struct outbound *calling; /* the call under way, to be cut at the end of hubd */
    struct discovery found, found_again;
    struct str endpoint; /* the partner's credentials module */
    struct store_token hub_row;
    struct str hub_token;
    bool hub_token_stored;
    bool taken; /* the partner has taken the hub token, or may have although it did not say so */
    struct outbound outbound;
    const struct json_value *credentials; /* the partner's, in its answer */
    struct registration registration;
    struct refusal refusal; /* why it failed */
    struct change change;
};

/* Which state may follow which. */
extern const struct sm connect_states;
/* Goes on to `next`; a step out of order is a BUG (lib/base/sm.h). */
void connect_move(struct connect *connect, enum connect_state next);

/* ---------------------------------------------------------------- store.c: the changes */

/* Stores the new hub token, so that the partner may use it before it answers; then `then`. */
void connect_store_token(struct connect *connect, void (*then)(struct change *change));
/* registration_check of connect->credentials; false: refused. */
bool connect_check_credentials(const struct connect *connect, const struct registry_snapshot *snapshot,
                               const struct registry_platform *platform, struct refusal *refusal);
/* Stores the result and ends the request. */
void connect_store_result(struct connect *connect);
/* Deletes the hub token, adds the failure to the audit, and ends the request with connect->refusal. */
void connect_fail(struct connect *connect);

/* ---------------------------------------------------------------- explain.c: what went wrong, for people */

/* These set connect->refusal and always return false. */

bool connect_explain_discovery(struct connect *connect, const struct discovery *discovery);
/* Of the POST or PUT. */
bool connect_explain_answer(struct connect *connect);

#endif
