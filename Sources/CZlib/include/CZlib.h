#ifndef CZLIB_H
#define CZLIB_H

#include <stddef.h>
#include <stdint.h>

/* The part of zlib that Millrace uses, with types of its own: zlib's `z_stream` reaches Swift through a module of gRPC's
   transport too, and two modules cannot both declare it to one file. */

typedef struct czlib_stream czlib_stream;

typedef enum {
    CZLIB_GZIP,
    /* Raw deflate, without a frame. */
    CZLIB_RAW,
    /* When unpacking: gzip or zlib, found out from the data. */
    CZLIB_ANY
} czlib_framing;

typedef enum { CZLIB_NO_FLUSH, CZLIB_SYNC_FLUSH, CZLIB_FINISH } czlib_flush;

typedef enum {
    CZLIB_GOES_ON,
    /* The end of the data, of one gzip member among several perhaps. */
    CZLIB_ENDED,
    /* Nothing can be done without more input or more room. */
    CZLIB_STUCK,
    CZLIB_BROKEN
} czlib_status;

typedef struct {
    czlib_status status;
    size_t consumed;
    size_t written;
} czlib_step;

/* NULL where there is no memory left. Windows have 32 KiB. `level` is 1 (fast) to 9 (small). */
czlib_stream *czlib_packer(czlib_framing framing, int level);
czlib_stream *czlib_unpacker(czlib_framing framing);
void czlib_free(czlib_stream *stream);

/* At most UINT32_MAX bytes are looked at or written in one step. */
czlib_step czlib_pack(
    czlib_stream *stream, const void *input, size_t input_count, void *output, size_t output_count, czlib_flush flush);
czlib_step czlib_unpack(czlib_stream *stream, const void *input, size_t input_count, void *output, size_t output_count);
/* The next gzip member begins. */
void czlib_restart(czlib_stream *stream);
/* What `input_count` bytes can become at most, packed in one step. */
size_t czlib_bound(czlib_stream *stream, size_t input_count);

#endif
