#include "CZlib.h"

#include <stdlib.h>
#include <zlib.h>

struct czlib_stream {
    z_stream zlib;
    int is_packer;
};

static const int memory_level = 8;

static int window_bits(czlib_framing framing) {
    switch (framing) {
    case CZLIB_GZIP: return 15 + 16;
    case CZLIB_RAW: return -15;
    case CZLIB_ANY: return 15 + 32;
    }
    return 15;
}

static czlib_stream *begun(czlib_stream *stream, int status) {
    if (status == Z_OK) return stream;
    free(stream);
    return NULL;
}

czlib_stream *czlib_packer(czlib_framing framing, int level) {
    czlib_stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NULL;
    stream->is_packer = 1;
    return begun(
        stream,
        deflateInit2(&stream->zlib, level, Z_DEFLATED, window_bits(framing), memory_level, Z_DEFAULT_STRATEGY));
}

czlib_stream *czlib_unpacker(czlib_framing framing) {
    czlib_stream *stream = calloc(1, sizeof *stream);
    return stream ? begun(stream, inflateInit2(&stream->zlib, window_bits(framing))) : NULL;
}

void czlib_free(czlib_stream *stream) {
    if (stream->is_packer)
        deflateEnd(&stream->zlib);
    else
        inflateEnd(&stream->zlib);
    free(stream);
}

static uInt bounded(size_t count) { return count > UINT32_MAX ? UINT32_MAX : (uInt)count; }

static void offer(z_stream *zlib, const void *input, size_t input_count, void *output, size_t output_count) {
    zlib->next_in = (Bytef *)input;
    zlib->avail_in = bounded(input_count);
    zlib->next_out = output;
    zlib->avail_out = bounded(output_count);
}

static czlib_step taken(const z_stream *zlib, int status, size_t input_count, size_t output_count) {
    czlib_step step = {CZLIB_BROKEN, bounded(input_count) - zlib->avail_in, bounded(output_count) - zlib->avail_out};
    if (status == Z_OK) step.status = CZLIB_GOES_ON;
    if (status == Z_STREAM_END) step.status = CZLIB_ENDED;
    if (status == Z_BUF_ERROR) step.status = CZLIB_STUCK;
    return step;
}

czlib_step czlib_pack(
    czlib_stream *stream, const void *input, size_t input_count, void *output, size_t output_count, czlib_flush flush) {
    static const int flushes[] = {[CZLIB_NO_FLUSH] = Z_NO_FLUSH, [CZLIB_SYNC_FLUSH] = Z_SYNC_FLUSH, [CZLIB_FINISH] = Z_FINISH};
    offer(&stream->zlib, input, input_count, output, output_count);
    return taken(&stream->zlib, deflate(&stream->zlib, flushes[flush]), input_count, output_count);
}

czlib_step czlib_unpack(czlib_stream *stream, const void *input, size_t input_count, void *output, size_t output_count) {
    offer(&stream->zlib, input, input_count, output, output_count);
    return taken(&stream->zlib, inflate(&stream->zlib, Z_SYNC_FLUSH), input_count, output_count);
}

void czlib_restart(czlib_stream *stream) { inflateReset(&stream->zlib); }

size_t czlib_bound(czlib_stream *stream, size_t input_count) { return deflateBound(&stream->zlib, input_count); }
