#include "tests/support/intruder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"

/* ---- bytes ---------------------------------------------------------------------------------- */

int
intruder_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval second = {.tv_sec = 1};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) {
        close(connection);
        return -1;
    }
    return connection;
}

bool
intruder_is_cut_off(int connection, int wait_ms)
{
    int64_t until_ms = clock_now_ms() + wait_ms;
    struct pollfd item = {.fd = connection, .events = POLLIN};
    char thrown_away[4096];

    for (int64_t left_ms = wait_ms; left_ms > 0; left_ms = until_ms - clock_now_ms()) {
        if (poll(&item, 1, (int)left_ms) > 0 &&
            recv(connection, thrown_away, sizeof thrown_away, MSG_DONTWAIT) <= 0) {
            return true;
        }
    }
    return false;
}

static void
put(int connection, const void *data, size_t size)
{
    for (const char *next = data; size > 0;) {
        ssize_t sent = send(connection, next, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        next += sent;
        size -= (size_t)sent;
    }
}

static bool
get(int connection, void *data, size_t size)
{
    for (char *next = data; size > 0;) {
        ssize_t got = recv(connection, next, size, 0);
        if (got <= 0) {
            return false;
        }
        next += got;
        size -= (size_t)got;
    }
    return true;
}

#define FLAG_LARGE 2
#define FLAG_COMMAND 4

static void
put_frame(int connection, uint8_t flags, const uint8_t *body, size_t size)
{
    uint8_t head[9] = {flags};

    if (size <= UINT8_MAX) {
        head[1] = (uint8_t)size;
        put(connection, head, 2);
    } else {
        head[0] |= FLAG_LARGE;
        for (int i = 0; i < 8; i++) {
            head[1 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        }
        put(connection, head, 9);
    }
    put(connection, body, size);
}

/* The size of the frame that came, 0 when none did. */
static size_t
get_frame(int connection, uint8_t *body, size_t room)
{
    uint8_t head[9];
    size_t size;

    if (!get(connection, head, 2)) {
        return 0;
    }
    size = head[1];
    if (head[0] & FLAG_LARGE) {
        if (!get(connection, head + 2, 7)) {
            return 0;
        }
        size = (size_t)head[7] << 8 | head[8];
    }
    return size <= room && get(connection, body, size) ? size : 0;
}

/* ---- the handshake -------------------------------------------------------------------------- */

bool
intruder_greet(int connection, const char *mechanism)
{
    uint8_t greeting[64] = {0xff, [9] = 0x7f, [10] = 3};

    memcpy(greeting + 12, mechanism, strlen(mechanism));
    put(connection, greeting, sizeof greeting);
    return get(connection, greeting, sizeof greeting);
}

static void
make_nonce(uint8_t nonce[24], const char *prefix, const uint8_t *rest)
{
    size_t size = strlen(prefix);

    memcpy(nonce, prefix, size);
    memcpy(nonce + size, rest, 24 - size);
}

static void
next_nonce(struct intruder *intruder, uint8_t number[8])
{
    uint64_t value = ++intruder->nonce;

    for (int i = 0; i < 8; i++) {
        number[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

/* HELLO → WELCOME: proves that the server is who it is; gives its cookie. */
static bool
say_hello(struct intruder *intruder, const uint8_t server_key[32], uint8_t own_public[32],
          uint8_t cookie[96])
{
    static const uint8_t zeros[64];
    uint8_t hello[200] = "\x05HELLO\x01", nonce[24], welcome[256], opened[128];

    crypto_box_keypair(own_public, intruder->own_transient);
    memcpy(hello + 80, own_public, 32);
    next_nonce(intruder, hello + 112);
    make_nonce(nonce, "CurveZMQHELLO---", hello + 112);
    if (crypto_box_easy(hello + 120, zeros, 64, nonce, server_key, intruder->own_transient) != 0) {
        return false;
    }
    put_frame(intruder->connection, FLAG_COMMAND, hello, sizeof hello);
    if (get_frame(intruder->connection, welcome, sizeof welcome) != 168) {
        return false;
    }
    make_nonce(nonce, "WELCOME-", welcome + 8);
    if (crypto_box_open_easy(opened, welcome + 24, 144, nonce, server_key,
                             intruder->own_transient) != 0) {
        return false;
    }
    memcpy(intruder->server_transient, opened, 32);
    memcpy(cookie, opened + 32, 96);
    return true;
}

static size_t
add_property(uint8_t *out, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);

    out[0] = (uint8_t)name_size;
    memcpy(out + 1, name, name_size);
    uint8_t *size = out + 1 + name_size;
    size[0] = size[1] = 0;
    size[2] = (uint8_t)(value_size >> 8);
    size[3] = (uint8_t)value_size;
    memcpy(size + 4, value, value_size);
    return 1 + name_size + 4 + value_size;
}

/* INITIATE → READY: the long-term key, vouched for, and the claims. */
static bool
initiate(struct intruder *intruder, const uint8_t server_key[32], const uint8_t own_public[32],
         const uint8_t cookie[96], const struct key_pair *keys, const struct intruder_claim *claims,
         size_t claim_count)
{
    uint8_t plain[2048], initiate[2400] = "\x08INITIATE", vouch[64], nonce[24], answer[512];
    size_t size = 128;

    memcpy(plain, keys->public_key, 32);
    randombytes_buf(plain + 32, 16);
    make_nonce(nonce, "VOUCH---", plain + 32);
    memcpy(vouch, own_public, 32);
    memcpy(vouch + 32, server_key, 32);
    if (crypto_box_easy(plain + 48, vouch, 64, nonce, intruder->server_transient,
                        keys->secret_key) != 0) {
        return false;
    }
    size += add_property(plain + size, "Socket-Type", "DEALER");
    for (size_t i = 0; i < claim_count; i++) {
        size += add_property(plain + size, claims[i].name, claims[i].value);
    }
    memcpy(initiate + 9, cookie, 96);
    next_nonce(intruder, initiate + 105);
    make_nonce(nonce, "CurveZMQINITIATE", initiate + 105);
    if (crypto_box_easy(initiate + 113, plain, size, nonce, intruder->server_transient,
                        intruder->own_transient) != 0) {
        return false;
    }
    put_frame(intruder->connection, FLAG_COMMAND, initiate, 113 + size + 16);
    return get_frame(intruder->connection, answer, sizeof answer) > 6 &&
           memcmp(answer, "\x05READY", 6) == 0;
}

bool
intruder_enter(struct intruder *intruder, int port, const uint8_t server_key[KEYS_SIZE],
               const struct key_pair *keys, const struct intruder_claim *claims, size_t claim_count)
{
    uint8_t own_public[32], cookie[96];

    *intruder = (struct intruder){.connection = intruder_connect(port)};
    return intruder->connection >= 0 && intruder_greet(intruder->connection, "CURVE") &&
           say_hello(intruder, server_key, own_public, cookie) &&
           initiate(intruder, server_key, own_public, cookie, keys, claims, claim_count);
}

void
intruder_say(struct intruder *intruder, const char *text)
{
    uint8_t plain[1024] = {0}, frame[1100] = "\x07MESSAGE", nonce[24];
    size_t size = strlen(text);

    memcpy(plain + 1, text, size); /* the first byte is the flags: no more parts */
    next_nonce(intruder, frame + 8);
    make_nonce(nonce, "CurveZMQMESSAGEC", frame + 8);
    if (crypto_box_easy(frame + 16, plain, 1 + size, nonce, intruder->server_transient,
                        intruder->own_transient) == 0) {
        put_frame(intruder->connection, 0, frame, 16 + 1 + size + 16);
    }
}
