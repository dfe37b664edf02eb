#ifndef LIB_STORE_SQLITE_AUDIT_H
#define LIB_STORE_SQLITE_AUDIT_H

#include "lib/store/audit_row.h"
#include "lib/store/sqlite/sql.h"

/* Rows of the tables audit and audit_gap as they come from a statement; texts are views that live until its
 * next row. */

/* The current row of a statement with all columns of audit; column 0 is its sequence. */
struct store_audit audit_view(const struct sql_connection *c, enum sql_id id);
/* Its chain value as stored. */
struct str audit_view_mac(const struct sql_connection *c, enum sql_id id);
/* Copies a row into the memory of a read's request. False: there is none, read->result says so. */
bool audit_take(struct store_read *read, int64_t sequence, const struct store_audit *view,
                struct store_audit_row *out);
/* The current row of a SQL_GAP_ statement. False when its seal is not ours: somebody made or changed it. */
bool audit_gap_view(const struct sql_connection *c, enum sql_id id, struct hmac *hmac, struct audit_gap *gap);

#endif
