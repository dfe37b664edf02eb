#ifndef LIB_STORE_SQLITE_AUDIT_H
#define LIB_STORE_SQLITE_AUDIT_H

#include "lib/store/audit_row.h"
#include "lib/store/sqlite/sql.h"

/* Rows of the tables audit and audit_gap as they come from a statement; texts are views that live until its
 * next row. */

/* The current row of a statement with all columns of audit; column 0 is its sequence. */
struct store_audit audit_view(const struct connection *c, enum sql_id id);
/* Its chain value as stored. */
struct str audit_view_mac(const struct connection *c, enum sql_id id);
/* The current row of a SQL_GAP_ statement. False when its seal is not ours: somebody made or changed it. */
bool audit_gap_view(const struct connection *c, enum sql_id id, struct hmac *hmac, struct audit_gap *gap);

#endif
