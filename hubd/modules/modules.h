#ifndef HUBD_MODULES_MODULES_H
#define HUBD_MODULES_MODULES_H

/* The modules' handlers, each named in a row of the table of routes (hubd/modules/routes.c). Each ends its request
 * exactly once. */
struct request;

void versions_list(struct request *request);
void versions_details(struct request *request);
void credentials_get(struct request *request);
void credentials_post(struct request *request);
void credentials_put(struct request *request);
void credentials_delete(struct request *request);
void hubclientinfo_list(struct request *request);
void hubclientinfo_get(struct request *request);
void locations_put(struct request *request);
void locations_patch(struct request *request);
void locations_evse_put(struct request *request);
void locations_evse_patch(struct request *request);
void locations_connector_put(struct request *request);
void locations_connector_patch(struct request *request);
void locations_list(struct request *request);
void locations_get(struct request *request);
void tariffs_put(struct request *request);
void tariffs_delete(struct request *request);
void tariffs_list(struct request *request);
void tariffs_get(struct request *request);
void tokens_authorize(struct request *request);
void tokens_authorize_at_emsp(struct request *request);
void tokens_list(struct request *request);
void tokens_get(struct request *request);
void tokens_put(struct request *request);
void tokens_patch(struct request *request);
void commands_post(struct request *request);
void commands_callback(struct request *request);
void commands_callback_admit(struct request *request);
void sessions_put(struct request *request);
void sessions_patch(struct request *request);
void sessions_list(struct request *request);
void sessions_get(struct request *request);
void sessions_charging_preferences(struct request *request);
void cdrs_post(struct request *request);
void cdrs_list(struct request *request);
void cdrs_get(struct request *request);
void chargingprofiles_get(struct request *request);
void chargingprofiles_put(struct request *request);
void chargingprofiles_delete(struct request *request);
void others_relay(struct request *request);

#endif
