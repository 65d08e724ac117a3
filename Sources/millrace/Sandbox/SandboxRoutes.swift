import ChangeEvents
import Doors
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Sandbox

/// What only a sandbox can do, over HTTP: `POST /sandbox/v1/events` puts an event of another org on the bus as it is, for tests
/// with captured events. Needs a session of the org like any REST call.
struct SandboxRoutes: HTTPRoutes {
    private struct Injection: Decodable {
        /// The Avro schema; absent or null: no schema is known, GetSchema refuses its id.
        var schema_json: String?
        var topic: String
        var replay_id_hex: String
        var event_id: String
        var schema_id: String
        var payload_hex: String
    }

    var sandbox: Sandbox

    func add(to router: Router<BasicRequestContext>) {
        router.post("/sandbox/v1/events") { request, context in
            try await authorize(request)
            let injection: Injection
            do {
                injection = try await request.decode(as: Injection.self, context: context)
            } catch let error as DecodingError {
                throw HTTPError(.badRequest, message: "The body is not an event: \(error)")
            }
            guard let replayID = Hexadecimal.bytes(injection.replay_id_hex), !replayID.isEmpty else {
                throw HTTPError(.badRequest, message: "replay_id_hex is not hexadecimal")
            }
            guard let payload = Hexadecimal.bytes(injection.payload_hex) else {
                throw HTTPError(.badRequest, message: "payload_hex is not hexadecimal")
            }
            do {
                try await sandbox.inject(
                    schemaJSON: injection.schema_json,
                    event: ReceivedEvent(
                        topic: injection.topic, replayID: ReplayID(bytes: replayID), eventID: injection.event_id,
                        schemaID: SchemaID(injection.schema_id), payload: ByteBuffer(bytes: payload)))
            } catch let error as AvroError {
                throw HTTPError(.badRequest, message: "\(error)")
            }
            return HTTPResponse.Status.created
        }
    }

    private func authorize(_ request: Request) async throws {
        let value = request.headers[.authorization] ?? ""
        let token = value.split(separator: " ", maxSplits: 1).last.map(String.init) ?? ""
        do {
            _ = try await sandbox.session(accessToken: token)
        } catch {
            throw HTTPError(.unauthorized, message: error.message)
        }
    }
}

/// Bytes as pairs of hexadecimal digits.
enum Hexadecimal {
    /// Nil where the text is anything else.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
