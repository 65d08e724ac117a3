internal import CZlib
internal import NIOCore

/// `permessage-deflate` (RFC 7692) without context takeover on either side: every message stands for itself, so that a frame is
/// compressed once for all connections of a class, and an idle connection holds no window. Pure.
enum MessageDeflate {
    /// What both sides agree on.
    private static let agreement = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    /// Shorter messages save less than they cost.
    static let bytesMin = 256
    private static let level: Int32 = 6
    private static let pieceBytes = 16 << 10
    /// The end of a flushed block, which does not travel (section 7.2.1).
    private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    /// Why a message cannot be had.
    enum Failure: Error {
        case tooBig
        case malformed
    }

    /// The answer to the first of the offers of `Sec-WebSocket-Extensions` that can be met; nil: none can. One that limits our
    /// window cannot: frames are made once for everybody (section 7.1.2.1 allows to decline).
    static func agreement(to values: [String]) -> String? {
        for offer in values.flatMap({ $0.split(separator: ",") }) {
            let parts = offer.split(separator: ";", omittingEmptySubsequences: false).map {
                $0.filter { $0 != " " && $0 != "\t" }
            }
            guard parts.first?.lowercased() == "permessage-deflate" else { continue }
            let parameters = parts.dropFirst()
            let names = parameters.map { $0.split(separator: "=", maxSplits: 1).first.map { $0.lowercased() } ?? "" }
            guard Set(names).count == names.count, parameters.allSatisfy(isAcceptable) else { continue }
            // Whoever asks for a bound is told it.
            return names.contains(windowBits) ? "\(agreement); \(windowBits)=15" : agreement
        }
        return nil
    }

    private static let windowBits = "server_max_window_bits"

    private static func isAcceptable(_ parameter: String) -> Bool {
        let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let value = parts.count > 1 ? parts[1].filter { $0 != "\"" } : nil
        switch parts[0].lowercased() {
        case "server_no_context_takeover", "client_no_context_takeover": return value == nil
        case "client_max_window_bits": return value.map { Int($0).map { (8...15).contains($0) } ?? false } ?? true
        case windowBits: return value == "15"
        default: return false
        }
    }

    /// Nil where the message does not shrink: then it goes as it is.
    static func compressed(_ message: ByteBuffer) -> ByteBuffer? {
        guard message.readableBytes >= bytesMin, let stream = ZlibStream(packing: CZLIB_RAW, level: level) else {
            return nil
        }
        var packed = ByteBuffer()
        var isWhole = false
        message.withUnsafeReadableBytes { message in
            var input = message
            // Nothing of any use is longer than the message; the end of the block comes off again.
            _ = packed.writeWithUnsafeMutableBytes(minimumWritableBytes: message.count + tail.count) { output in
                let step = stream.pack(&input, to: output, flush: CZLIB_SYNC_FLUSH)
                isWhole = step.status == .goesOn && input.isEmpty && step.written < output.count
                return step.written
            }
        }
        guard isWhole, packed.readableBytes - tail.count < message.readableBytes,
            packed.readableBytesView.suffix(tail.count).elementsEqual(tail)
        else { return nil }
        packed.moveWriterIndex(to: packed.writerIndex - tail.count)
        return packed
    }

    /// The message behind a compressed payload, of at most `bytesMax`: what would become larger is not inflated further.
    static func inflated(_ payload: [UInt8], bytesMax: Int) throws(Failure) -> [UInt8] {
        guard let stream = ZlibStream(unpacking: CZLIB_RAW) else { throw .malformed }
        var message: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: min(pieceBytes, bytesMax + 1))
        var failure: Failure?
        (payload + tail).withUnsafeBytes { payload in
            var input = payload
            while failure == nil {
                let (status, count) = piece.withUnsafeMutableBytes { stream.unpack(&input, to: $0) }
                message += piece[..<count]
                if message.count > bytesMax { failure = .tooBig }
                switch status {
                case .goesOn: continue
                // A final block ends the stream; or nothing is left to do.
                case .ended, .stuck: return
                case .broken: failure = failure ?? .malformed
                }
            }
        }
        if let failure { throw failure }
        return message
    }
}
