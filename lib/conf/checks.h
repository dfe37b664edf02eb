#ifndef LIB_CONF_CHECKS_H
#define LIB_CONF_CHECKS_H

#include <stdbool.h>

#include "lib/base/error.h"

/*
 * What a setting's value must be beyond its type and range. Each gets one value (of a list: one item) and
 * says in `error` what is wrong and what to write instead. No name is resolved and no file is opened here.
 */
bool conf_check_country_code(const char *value, struct error *error);
bool conf_check_party_id(const char *value, struct error *error);
bool conf_check_not_empty(const char *value, struct error *error);
bool conf_check_listen(const char *value, struct error *error);
bool conf_check_base_url(const char *value, struct error *error);
bool conf_check_website(const char *value, struct error *error);
bool conf_check_socket_path(const char *value, struct error *error);
/* A file that can be read now and holds PEM certificates; empty: none. */
bool conf_check_certificates(const char *value, struct error *error);
bool conf_check_network(const char *value, struct error *error);

#endif
