/* Whether a POST of credentials repeats the one before it (hub-ocpi(7), AUTHENTICATION;
 * hubd/partners/registration.h). */
#include "hubd/partners/registration.h"
#include "lib/base/crypto.h"

/*
 * Compares JSON values by digests. An object's is made of its members that are not null and not an empty
 * list, that of `roles` of its elements, both in any order: their digests are added byte by byte, so the
 * order does not count but a repetition does.
 */
struct sum {
    uint8_t bytes[SHA256_SIZE];
};

static void digest(struct arena *arena, const struct json_value *value, bool fold, struct sum *out);

static void add(struct sum *total, const struct sum *one)
{
    for (size_t i = 0; i < sizeof total->bytes; i++)
        total->bytes[i] = (uint8_t)(total->bytes[i] + one->bytes[i]);
}

static bool is_absent(const struct json_value *value)
{
    return value->type == JSON_NULL || (value->type == JSON_ARRAY && value->child == NULL);
}

/* Identifiers are compared without regard to case (OCPI 2.2.1, Types: CiString). */
static bool is_identifier(struct str key)
{
    return str_equal(key, STR("country_code")) || str_equal(key, STR("party_id")) ||
           str_equal(key, STR("role"));
}

static void hash_text(struct arena *arena, const char *kind, struct str text, bool fold, struct sum *out)
{
    size_t length = strlen(kind);
    char *whole = arena_alloc(arena, length + text.length + 1);
    memset(out, 0, sizeof *out);
    if (whole == NULL)
        return;
    memcpy(whole, kind, length);
    for (size_t i = 0; i < text.length; i++) {
        bool small = fold && text.data[i] >= 'a' && text.data[i] <= 'z';
        whole[length + i] = small ? (char)(text.data[i] - 'a' + 'A') : text.data[i];
    }
    crypto_sha256(str_of(whole, length + text.length), out->bytes);
}

static void hash_sum(struct arena *arena, const char *kind, const struct sum *sum, struct sum *out)
{
    hash_text(arena, kind, str_of((const char *)sum->bytes, sizeof sum->bytes), false, out);
}

static void digest_members(struct arena *arena, const struct json_value *object, struct sum *out)
{
    struct sum total = {{0}};
    for (const struct json_value *member = object->child; member != NULL; member = member->next) {
        struct sum pair[2], one;
        if (is_absent(member))
            continue;
        hash_text(arena, "key ", member->key, false, &pair[0]);
        digest(arena, member, is_identifier(member->key), &pair[1]);
        hash_text(arena, "member ", str_of((const char *)pair, sizeof pair), false, &one);
        add(&total, &one);
    }
    hash_sum(arena, "object ", &total, out);
}

static void digest_elements(struct arena *arena, const struct json_value *list, struct sum *out)
{
    struct sum total = {{0}};
    for (const struct json_value *element = list->child; element != NULL; element = element->next) {
        struct sum one;
        digest(arena, element, false, &one);
        add(&total, &one);
    }
    hash_sum(arena, "list ", &total, out);
}

static void digest(struct arena *arena, const struct json_value *value, bool fold, struct sum *out)
{
    if (value->type == JSON_OBJECT)
        digest_members(arena, value, out);
    else if (value->type == JSON_ARRAY)
        digest_elements(arena, value, out);
    else if (value->type == JSON_STRING)
        hash_text(arena, "text ", value->text, fold, out);
    else
        hash_text(arena, "word ", value->raw, false, out);
}

struct str registration_digest(const struct hub *hub, struct arena *arena,
                               const struct json_value *credentials)
{
    const char *purpose = ocpi_module_name(OCPI_MODULE_CREDENTIALS); /* what it is a digest of */
    struct sum parts[3];
    uint8_t mac[SHA256_SIZE];
    struct hmac *hmac = hmac_new(hub->seal_key, sizeof hub->seal_key);
    if (hmac == NULL)
        return STR("");
    crypto_sha256(json_get_text(credentials, "token"), parts[0].bytes);
    crypto_sha256(json_get_text(credentials, "url"), parts[1].bytes);
    digest(arena, json_get(credentials, "roles"), false, &parts[2]);
    hmac_begin(hmac);
    hmac_update(hmac, purpose, strlen(purpose) + 1);
    hmac_update(hmac, parts, sizeof parts);
    hmac_end(hmac, mac);
    hmac_free(hmac);
    return arena_copy(arena, str_of((const char *)mac, sizeof mac));
}

bool registration_says_nothing_new(struct arena *arena, const struct registry_platform *platform,
                                   const struct json_value *credentials)
{
    const struct json_value *roles;
    struct sum given, stored;
    if (!str_equal(json_get_text(credentials, "token"), platform->token) ||
        !str_equal(json_get_text(credentials, "url"), platform->row.credentials_url) ||
        json_parse_own(arena, platform->row.roles, &roles, NULL) != OK)
        return false;
    digest(arena, json_get(credentials, "roles"), false, &given);
    digest(arena, roles, false, &stored);
    return memcmp(&given, &stored, sizeof given) == 0;
}

bool registration_may_repeat(const struct hub *hub, struct arena *arena, const struct store_token *initial,
                             const struct json_value *credentials)
{
    struct str given = registration_digest(hub, arena, credentials);
    return initial->used == 0 || initial->content.length == 0 ||
           (given.length == initial->content.length &&
            crypto_equal(given.data, initial->content.data, given.length));
}
