#ifndef LIB_CONF_CHECKS_H
#define LIB_CONF_CHECKS_H

#include <stdbool.h>

#include "lib/base/error.h"

/*
 * Checks of a setting's value beyond its type and range. Each checks one value, or one item of a list. False: `error`
 * says what is wrong and what to write instead. No host name is resolved.
 */
bool conf_check_country_code(const char *value, struct error *error);
bool conf_check_party_id(const char *value, struct error *error);
bool conf_check_not_empty(const char *value, struct error *error);
bool conf_check_listen(const char *value, struct error *error);
bool conf_check_base_url(const char *value, struct error *error);
bool conf_check_website(const char *value, struct error *error);
bool conf_check_socket_path(const char *value, struct error *error);
/* The path of a readable file of PEM certificates; opens it. Empty is fine. */
bool conf_check_certificates(const char *value, struct error *error);
bool conf_check_network(const char *value, struct error *error);

#endif
