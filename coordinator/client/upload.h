/*
 * upload: brings a bundle to the coordinator in pieces. What it has already is not sent again, so
 * an upload that was cut goes on where it was.
 */
#ifndef COORDINATOR_CLIENT_UPLOAD_H
#define COORDINATOR_CLIENT_UPLOAD_H

#include "common/migration/bundle.h"
#include "coordinator/client/client.h"

/* False with what client_ask says, or E-BUNDLE-UPLOAD when the coordinator does not take it. */
bool upload_bundle(struct client *client, const struct bundle *bundle, struct error *error);

#endif
