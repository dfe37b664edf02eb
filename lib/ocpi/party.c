/* Roles and party keys; see party.h. */
#include "lib/ocpi/party.h"

static const struct {
    unsigned role;
    const char *name;
} roles[] = {
    {OCPI_ROLE_CPO, "CPO"}, {OCPI_ROLE_EMSP, "EMSP"},   {OCPI_ROLE_HUB, "HUB"},   {OCPI_ROLE_NAP, "NAP"},
    {OCPI_ROLE_NSP, "NSP"}, {OCPI_ROLE_OTHER, "OTHER"}, {OCPI_ROLE_SCSP, "SCSP"},
};
#define ROLE_COUNT (sizeof(roles) / sizeof(roles[0]))

enum { COUNTRY_LENGTH = 2, PARTY_LENGTH = 3 };

const char *ocpi_role_name(unsigned role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (roles[i].role == role)
            return roles[i].name;
    return NULL;
}

unsigned ocpi_role_from(struct str name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (str_equal_fold(str_from(roles[i].name), name))
            return roles[i].role;
    return 0;
}

unsigned ocpi_role_next(unsigned set, unsigned after)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (roles[i].role > after && (set & roles[i].role) != 0)
            return roles[i].role;
    return 0;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_letter(char c)
{
    return upper(c) >= 'A' && upper(c) <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ocpi_party_key_make(struct str country_code, struct str party_id, struct ocpi_party_key *key)
{
    memset(key, 0, sizeof *key);
    if (country_code.length != COUNTRY_LENGTH || party_id.length != PARTY_LENGTH)
        return false;
    for (size_t i = 0; i < COUNTRY_LENGTH; i++)
        if (!is_letter(country_code.data[i]))
            return false;
    for (size_t i = 0; i < PARTY_LENGTH; i++)
        if (!is_letter(party_id.data[i]) && !is_digit(party_id.data[i]))
            return false;
    char *out = key->text;
    for (size_t i = 0; i < COUNTRY_LENGTH; i++)
        *out++ = upper(country_code.data[i]);
    *out++ = '-';
    for (size_t i = 0; i < PARTY_LENGTH; i++)
        *out++ = upper(party_id.data[i]);
    return true;
}

/* Cuts ":ROLE" off; false when there is one that is unknown or not allowed here. */
static bool role_cut(struct str *text, unsigned *role)
{
    if (role != NULL)
        *role = 0;
    size_t colon = str_find(*text, ':');
    if (colon == SIZE_MAX)
        return true;
    if (role == NULL)
        return false;
    *role = ocpi_role_from(str_skip(*text, colon + 1));
    text->length = colon;
    return *role != 0;
}

bool ocpi_party_key_parse(struct str text, struct ocpi_party_key *key, struct str *country_code,
                          struct str *party_id, unsigned *role)
{
    memset(key, 0, sizeof *key);
    if (!role_cut(&text, role))
        return false;
    size_t separator = 0;
    if (text.length == COUNTRY_LENGTH + 1 + PARTY_LENGTH) {
        char c = text.data[COUNTRY_LENGTH];
        if (c != '-' && c != '*' && c != '/')
            return false;
        separator = 1;
    } else if (text.length != COUNTRY_LENGTH + PARTY_LENGTH) {
        return false;
    }
    struct str country = str_of(text.data, COUNTRY_LENGTH);
    struct str party = str_skip(text, COUNTRY_LENGTH + separator);
    if (country_code != NULL)
        *country_code = country;
    if (party_id != NULL)
        *party_id = party;
    return ocpi_party_key_make(country, party, key);
}

bool ocpi_party_key_equal(const struct ocpi_party_key *a, const struct ocpi_party_key *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}
