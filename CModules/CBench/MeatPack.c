// MeatPack as Marlin reads it, for the printer with a wire.
#include "Protocol.h"

#include <stdio.h>

static const char characters[] = "0123456789. \nGX";

static char character(const struct unpacker *u, unsigned code) {
    return code == 11 && u->without_spaces ? 'E' : characters[code];
}

static void obey(struct unpacker *u, unsigned char order) {
    switch (order) {
    case 0xFB: u->active = true; break;
    case 0xFA: u->active = false; break;
    case 0xF9: *u = (struct unpacker){0}; break;
    case 0xF7: u->without_spaces = true; break;
    case 0xF6: u->without_spaces = false; break;
    default: break;
    }
    u->owes_report = true;
}

static int unpack_byte(struct unpacker *u, unsigned char byte, char out[2]) {
    if (!u->active) {
        out[0] = (char)byte;
        return 1;
    }
    if (u->whole_due > 0) {
        int count = 1;
        u->whole_due--;
        out[0] = (char)byte;
        if (u->second != 0) out[count++] = u->second;
        u->second = 0;
        return count;
    }
    unsigned low = byte & 15, high = byte >> 4;
    if (low == 15) {
        u->whole_due = high == 15 ? 2 : 1;
        u->second = high == 15 ? 0 : character(u, high);
        return 0;
    }
    out[0] = character(u, low);
    if (out[0] == '\n') return 1;
    if (high == 15) {
        u->whole_due = 1;
        return 1;
    }
    out[1] = character(u, high);
    return 2;
}

int unpack(struct unpacker *u, unsigned char byte, char out[2]) {
    if (byte == 0xFF) {
        if (u->marks++ == 1) {
            u->marks = 0;
            u->order_follows = true;
        }
        return 0;
    }
    if (u->order_follows) {
        u->order_follows = false;
        obey(u, byte);
        return 0;
    }
    if (u->marks > 0) {
        // A single mark is two characters that follow whole.
        u->marks = 0;
        if (u->active) unpack_byte(u, 0xFF, out);
    }
    return unpack_byte(u, byte, out);
}

size_t write_packing(struct unpacker *u, char *out) {
    u->owes_report = false;
    return (size_t)snprintf(out, REPLY_MAX, "[MP] PV01 %s %s\n", u->active ? "ON" : "OFF",
                            u->without_spaces ? "NSP" : "ESP");
}
