import Foundation
import Glibc
import NIOCore

@testable import Doors

/// The push door's frames without the hub: says back every message, for the Autobahn suite (`Tests/peers/test_autobahn.py`).
///
/// Prints `PORT n`, listens on loopback, and ends with its standard input. Handshake, parser, frames and compression are those
/// of the push door, with bounds that the suite's messages of 16 MB and 65,536 fragments fit in. Not a product; tests only.
@main
struct WebSocketEcho {
    static func main() throws {
        signal(SIGPIPE, SIG_IGN)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutableBytes(of: &address) { bytes in
            let address = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            try check(bind(listener, address, size))
            try check(listen(listener, 64))
            try check(getsockname(listener, address, &size))
        }
        FileHandle.standardOutput.write(Data("PORT \(in_port_t(bigEndian: address.sin_port))\n".utf8))
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { continue }
                Thread.detachNewThread { Echo(connection).run() }
            }
        }
        while readLine() != nil {}
    }

    private static func check(_ answer: Int32) throws {
        guard answer == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
}

/// One connection, on a thread of its own.
private final class Echo {
    private static let messageBytesMax = 32 << 20

    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var isOver = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func run() {
        guard let (request, leftover) = readRequest() else { return }
        let handshake = PushHandshake(allowedOrigins: [], allowsTokenInQuery: false, allowsCompression: true)
        guard case .webSocket(let head, _, _, let isCompressed) = handshake.answer(request) else { return }
        send(head)
        let transport: Transport = isCompressed ? .compressedWebSocket : .webSocket
        var parser = WebSocketFrameParser(
            messageBytesMax: Self.messageBytesMax, allowsCompression: isCompressed, fragmentCountMax: .max)
        leftover.withUnsafeBytes { parser.receive($0) { answer($0, transport) } }
        while !isOver, let bytes = receive() {
            bytes.withUnsafeBytes { parser.receive($0) { answer($0, transport) } }
        }
        shutdown(descriptor, Int32(SHUT_WR))
        // The close frame is not lost to a reset while the client still sends.
        while receive() != nil {}
    }

    private func answer(_ output: WebSocketFrameParser.Output, _ transport: Transport) {
        guard !isOver else { return }
        switch output {
        case .text(let bytes): send(frame(bytes, transport))
        case .binary(let bytes):
            var frame = frame(bytes, transport)
            // The push door has text alone: the opcode after it is that of binary messages.
            frame[0] += 1
            send(frame)
        case .ping(let payload): send(WebSocketFrameHeader.frame(.pong, payload))
        case .pong: break
        case .close(let code): end(code ?? CloseCode.normal, "")
        case .failure(let code, let reason): end(code, reason)
        }
    }

    private func frame(_ bytes: [UInt8], _ transport: Transport) -> [UInt8] {
        let parts = FrameParts(ByteBuffer(bytes: bytes), transport: transport, type: "", place: nil)
        return [UInt8](unsafeUninitializedCapacity: parts.count) { buffer, count in
            count = parts.count
            if let start = buffer.baseAddress { parts.copy(to: UnsafeMutableRawPointer(start)) }
        }
    }

    private func end(_ code: UInt16, _ reason: String) {
        send(WebSocketFrameHeader.close(code: code, reason: reason))
        isOver = true
    }

    /// The head of the request, and what came behind it.
    private func readRequest() -> (TakeoverRequest, [UInt8])? {
        var bytes: [UInt8] = []
        while true {
            guard let piece = receive() else { return nil }
            bytes += piece
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let start = lines[0].split(separator: " ").map(String.init)
                guard start.count == 3 else { return nil }
                let headers = lines.dropFirst().map { line in
                    let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                    return (name: parts[0], value: parts.count > 1 ? parts[1] : "")
                }
                return (
                    TakeoverRequest(method: start[0], uri: start[1], headers: headers), Array(bytes[end.upperBound...])
                )
            }
        }
    }

    /// Nil at the end.
    private func receive() -> [UInt8]? {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, 0) }
            guard count > 0 else { return isOver = true }
            sent += count
        }
    }
}
