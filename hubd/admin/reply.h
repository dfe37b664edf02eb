#ifndef HUBD_ADMIN_REPLY_H
#define HUBD_ADMIN_REPLY_H

#include "lib/base/buffer.h"
#include "lib/ctl/server.h"
#include "lib/json/writer.h"
#include "lib/store/store.h"

/* Answers of commands that show one object or a list of rows. */

/*
 * The answer of a `show`, {…}, from a finished read whose context is the request. Begin it, write the members, end it:
 * the end answers the request. Begin returns false when the read failed, after it has answered that; `missing` and
 * `hint` are the answer when the read found nothing.
 */
struct reply_object {
    struct ctl_request *request;
    struct buffer buffer;
    struct json_writer writer;
};
bool reply_object_begin(struct reply_object *object, const struct store_read *read, struct str missing,
                        struct str hint);
void reply_object_end(struct reply_object *object);

/* The answer of a `list`, {"rows":[ … ]}. Begin it, write the rows, end it: the end answers the request. */
struct reply_list {
    struct ctl_request *request;
    struct buffer buffer;
    struct json_writer writer;
    struct str message; /* for people when the whole list has no row; empty: none */
};
void reply_list_begin(struct reply_list *list, struct ctl_request *request);
/* The same when a read has ended. False: it failed, and that was answered. */
bool reply_list_begin_read(struct reply_list *list, struct ctl_request *request,
                           const struct store_read *read);
/* `next`: where the following page begins, empty: there is none. */
void reply_list_end(struct reply_list *list, struct str next);
/* The same for a page of `count` rows of at most `limit`: a full page may go on behind the row `last`. */
void reply_list_end_page(struct reply_list *list, size_t count, unsigned limit, int64_t last);

#endif
