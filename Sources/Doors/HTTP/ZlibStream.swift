internal import CZlib

/// One zlib stream, packing or unpacking.
struct ZlibStream: ~Copyable {
    enum Status {
        case goesOn
        /// The end of the data, or of one gzip member.
        case ended
        /// Nothing can be done without more input or more room.
        case stuck
        case broken
    }

    private let stream: OpaquePointer

    /// Nil where zlib has no memory left.
    init?(packing framing: czlib_framing, level: Int32) {
        guard let stream = czlib_packer(framing, level) else { return nil }
        self.stream = stream
    }

    /// Nil where zlib has no memory left.
    init?(unpacking framing: czlib_framing) {
        guard let stream = czlib_unpacker(framing) else { return nil }
        self.stream = stream
    }

    deinit { czlib_free(stream) }

    /// Takes the bytes it has read from `input`'s front and answers how many it has written to `output`.
    func pack(
        _ input: inout UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer, flush: czlib_flush
    ) -> (status: Status, written: Int) {
        taken(czlib_pack(stream, input.baseAddress, input.count, output.baseAddress, output.count, flush), from: &input)
    }

    /// Takes the bytes it has read from `input`'s front and answers how many it has written to `output`.
    func unpack(
        _ input: inout UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) -> (status: Status, written: Int) {
        taken(czlib_unpack(stream, input.baseAddress, input.count, output.baseAddress, output.count), from: &input)
    }

    /// The next gzip member begins.
    func restart() { czlib_restart(stream) }

    /// What so many bytes can become at most, packed in one piece.
    func bound(_ count: Int) -> Int { czlib_bound(stream, count) }

    private func taken(_ step: czlib_step, from input: inout UnsafeRawBufferPointer) -> (status: Status, written: Int) {
        input = UnsafeRawBufferPointer(rebasing: input[step.consumed...])
        let status: Status =
            switch step.status {
            case CZLIB_GOES_ON: .goesOn
            case CZLIB_ENDED: .ended
            case CZLIB_STUCK: .stuck
            default: .broken
            }
        return (status, step.written)
    }
}
