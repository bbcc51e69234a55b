#include "coordinator/client/upload.h"

#include <inttypes.h>

#include "common/base/mem.h"

#define STALLS_MAX 5 /* pieces in a row that brought the upload no further */

static bool
check_type(const struct message *answer, struct error *error)
{
    if (answer->type == MESSAGE_OFFERED) {
        return true;
    }
    error_set(error, "E-PROTO-STATE", "the coordinator answered an upload with %s",
              message_name(answer->type));
    return false;
}

static bool
offer(struct client *client, const struct bundle *bundle, struct arena *arena,
      struct message *answer, struct error *error)
{
    struct message request = {
        .type = MESSAGE_OFFER,
        .offer = {.digest = bundle->digest,
                  .service = bundle->manifest.service,
                  .size = bundle->bytes.size},
    };
    return client_ask(client, &request, arena, answer, error) && check_type(answer, error);
}

static bool
put(struct client *client, const struct bundle *bundle, uint64_t offset, struct arena *arena,
    struct message *answer, struct error *error)
{
    uint64_t size = bundle->bytes.size - offset;
    struct message request = {
        .type = MESSAGE_PUT,
        .put = {.digest = bundle->digest,
                .offset = offset,
                .total = bundle->bytes.size,
                .bytes = {(const uint8_t *)bundle->bytes.data + offset,
                          size < CHUNK_SIZE_MAX ? size : CHUNK_SIZE_MAX}},
    };
    return client_ask(client, &request, arena, answer, error) && check_type(answer, error);
}

bool
upload_bundle(struct client *client, const struct bundle *bundle, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    struct message answer = {0};
    unsigned stalls = 0;

    if (!offer(client, bundle, &arena, &answer, error)) {
        return false;
    }
    while (!answer.offered.is_complete) {
        uint64_t offset = answer.offered.offset;
        if (offset >= bundle->bytes.size || stalls == STALLS_MAX) {
            error_set(error, "E-BUNDLE-UPLOAD", "the coordinator does not take the bundle of %s",
                      bundle->manifest.service);
            return error_found(error, "it asks for byte %" PRIu64 " of %zu", offset,
                               bundle->bytes.size);
        }
        arena_clear(&arena);
        if (!put(client, bundle, offset, &arena, &answer, error)) {
            return false;
        }
        stalls = answer.offered.is_complete || answer.offered.offset > offset ? 0 : stalls + 1;
    }
    return true;
}
