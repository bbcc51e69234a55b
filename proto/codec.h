/*
 * codec: a message to the bytes of one frame and back.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "proto/message.h"

#define FRAME_SIZE_MAX ((size_t)1 << 20)

/* The message as one frame, appended to `out`. */
void codec_encode(const struct message *message, struct text *out);

/*
 * Read one frame that `sender` has sent. Texts and lists are copied into the arena. False, and
 * nothing allocated before the bytes are known to be well formed, with
 *   E-PROTO-MAGIC    not one of our frames
 *   E-PROTO-TYPE     no such message
 *   E-AUTH-TYPE      this sender may not say this
 *   E-PROTO-DECODE   malformed; where: the field and the byte offset
 *   E-PROTO-LIMIT    too deep, too many nodes, or sizes beyond the frame
 */
bool codec_decode(const void *data, size_t size, enum message_sender sender, struct arena *arena,
                  struct message *message, struct error *error);

#endif
