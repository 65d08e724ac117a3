import Foundation
import Glibc
import TestSupport

/// A listening socket on loopback, which gives connected pairs.
final class LoopbackListener: Sendable {
    private let descriptor: CInt
    private let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: 0)
        guard descriptor >= 0, Self.with(&address, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 64) == 0
        else {
            throw RawClient.Failure(what: "no listener")
        }
        var length = socklen_t(address.count)
        _ = Self.with(&address) { pointer, _ in getsockname(descriptor, pointer, &length) }
        self.descriptor = descriptor
        port = UInt16(address[2]) << 8 | UInt16(address[3])
    }

    deinit { close(descriptor) }

    func pair() throws -> (client: CInt, server: CInt) {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: port)
        let connected = Self.with(&address) { connect(client, $0, $1) }
        let server = accept(descriptor, nil, nil)
        guard connected == 0, server >= 0 else { throw RawClient.Failure(what: "no connection") }
        return (client, server)
    }

    /// A `sockaddr_in`, as bytes.
    private static func loopback(port: UInt16) -> [UInt8] {
        [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    }

    private static func with(
        _ address: inout [UInt8], _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        address.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}

/// The client's end of a connection: sends what it is told, also what no client should, and reads frames or lines.
/// Used by one task at a time.
final class RawClient {
    struct Failure: Error, CustomStringConvertible {
        var what: String
        var description: String { what }
    }

    enum Frame: Equatable {
        case text(String)
        case close(code: UInt16, reason: String)
        case ping
        case pong([UInt8])
        case end

        var closeCode: UInt16? {
            if case .close(let code, _) = self { code } else { nil }
        }
    }

    let descriptor: CInt
    private var input: [UInt8] = []
    private var hasEnded = false
    /// Answers pings as a client must.
    var answersPings = true

    init(descriptor: CInt) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    func setReceiveBuffer(_ bytes: Int) {
        var size = CInt(bytes)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Ends the client's side.
    func shut() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func send(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try await Task.sleep(for: .milliseconds(1))
            } else {
                return
            }
        }
    }

    func send(text: String) throws {
        let frame = Self.frame(opcode: 1, Array(text.utf8))
        let count = frame.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count == frame.count else { throw Failure(what: "sent \(count) of \(frame.count)") }
    }

    static func frame(opcode: UInt8, _ payload: [UInt8], final: Bool = true, masked: Bool = true) -> [UInt8] {
        var bytes = [(final ? 0x80 : 0) | opcode]
        let mask: UInt8 = masked ? 0x80 : 0
        if payload.count <= 125 {
            bytes.append(mask | UInt8(payload.count))
        } else if payload.count <= 65_535 {
            bytes += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            bytes += [mask | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        guard masked else { return bytes + payload }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        return bytes + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    /// A response head, up to and with the blank line.
    func head() async throws -> String {
        let blank = Array("\r\n\r\n".utf8)
        return try await pollValue("a response head") {
            receive()
            guard let range = input.firstRange(of: blank) else {
                if hasEnded { throw Failure(what: "ended in the head: \(String(decoding: input, as: UTF8.self))") }
                return nil
            }
            let head = String(decoding: input[..<range.upperBound], as: UTF8.self)
            input.removeSubrange(..<range.upperBound)
            return head
        }
    }

    /// Everything up to the end of the connection.
    func rest() async throws -> String {
        try await poll("the end") {
            receive()
            return hasEnded
        }
        return String(decoding: input, as: UTF8.self)
    }

    /// Text up to and with a delimiter (event streams).
    func text(until delimiter: String) async throws -> String {
        let delimiter = Array(delimiter.utf8)
        return try await pollValue("text") {
            receive()
            guard let range = input.firstRange(of: delimiter) else {
                if hasEnded { throw Failure(what: "ended") }
                return nil
            }
            let text = String(decoding: input[..<range.upperBound], as: UTF8.self)
            input.removeSubrange(..<range.upperBound)
            return text
        }
    }

    /// The next frame; pings are answered and passed over unless `answersPings` is off.
    func frame() async throws -> Frame {
        while true {
            let frame: Frame = try await pollValue("a frame") {
                receive()
                return nextFrame()
            }
            guard frame == .ping, answersPings else { return frame }
            try await send(Self.frame(opcode: 0xA, []))
        }
    }

    /// A frame that is there already, without waiting for one.
    func frameIfAny() -> Frame? {
        receive()
        return nextFrame()
    }

    func message() async throws -> Message {
        let frame = try await frame()
        guard case .text(let text) = frame, let message = Message(text) else {
            throw Failure(what: "not a message: \(frame)")
        }
        return message
    }

    /// A message that is there already, without waiting for one; pings are passed over, and not answered.
    func messageIfAny() throws -> Message? {
        receive()
        while let frame = nextFrame() {
            if frame == .ping { continue }
            guard case .text(let text) = frame, let message = Message(text) else {
                throw Failure(what: "not a message: \(frame)")
            }
            return message
        }
        return nil
    }

    /// The next message that is not a checkpoint.
    func event() async throws -> Message {
        while true {
            let message = try await message()
            if message.type != "checkpoint" { return message }
        }
    }

    /// True when nothing has come so far.
    var isQuiet: Bool {
        receive()
        return input.isEmpty && !hasEnded
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                input += buffer[..<count]
            } else {
                if count == 0 || errno != EAGAIN { hasEnded = true }
                return
            }
        }
    }

    private func nextFrame() -> Frame? {
        guard input.count >= 2 else { return hasEnded ? .end : nil }
        var length = Int(input[1] & 0x7F)
        var offset = 2
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        guard input.count >= 2 + extra else { return hasEnded ? .end : nil }
        if extra > 0 {
            length = input[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) }
            offset += extra
        }
        guard input.count >= offset + length else { return hasEnded ? .end : nil }
        let opcode = input[0] & 0x0F
        let payload = Array(input[offset..<offset + length])
        input.removeSubrange(..<(offset + length))
        switch opcode {
        case 0x8:
            guard payload.count >= 2 else { return .close(code: 1005, reason: "") }
            return .close(
                code: UInt16(payload[0]) << 8 | UInt16(payload[1]),
                reason: String(decoding: payload.dropFirst(2), as: UTF8.self))
        case 0x9: return .ping
        case 0xA: return .pong(payload)
        default: return .text(String(decoding: payload, as: UTF8.self))
        }
    }
}

/// A message of the server, with the members that tests ask for.
struct Message: CustomStringConvertible {
    let description: String
    private let object: [String: Any]

    init?(_ text: String) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            return nil
        }
        description = text
        self.object = object
    }

    var type: String { object["type"] as? String ?? "" }
    subscript(_ member: String) -> String? {
        switch object[member] {
        case let text as String: text
        case let number as NSNumber: number.stringValue
        default: nil
        }
    }
    var data: [String: Any] { object["data"] as? [String: Any] ?? [:] }
    var payload: [String: Any] { data["payload"] as? [String: Any] ?? [:] }
    var header: [String: Any] { payload["ChangeEventHeader"] as? [String: Any] ?? [:] }
    var recordID: String? { (header["recordIds"] as? [String])?.first }
    var replay: UInt64? { ((data["event"] as? [String: Any])?["replayId"] as? NSNumber)?.uint64Value }
    func field(_ name: String) -> String? { payload[name] as? String }
}
