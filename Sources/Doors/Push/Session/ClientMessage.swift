internal import ChangeEvents
internal import Foundation

/// The `id` of a request: any number or string, repeated in the answer.
enum MessageID: Hashable, Sendable {
    case integer(Int64)
    case double(Double)
    case string(String)
}

/// From where a subscription starts.
enum ReplayRequest: Hashable, Sendable {
    /// `-1`
    case new
    /// `-2`
    case allRetained
    case after(ReplayID)
}

/// What a client asks for with `subscribe`, or with the parameters of `GET /events`.
struct SubscribeRequest: Hashable, Sendable {
    var channel: String
    var condition: String?
    var replay: ReplayRequest
    var form: EventForm
    var slow: SlowPolicy
}

/// How an event is shown.
enum EventForm: String, Hashable, Sendable {
    /// What Salesforce sent.
    case changes
    /// The whole record after the change.
    case record
}

/// What becomes of a client that reads too slowly.
enum SlowPolicy: String, Hashable, Sendable {
    /// It catches up from the log: every event, in order.
    case park
    /// It gets the newest state of each record; intermediate ones are skipped.
    case conflate
}

/// A message of a client, read and checked in itself; whether it is allowed is not its matter.
enum ClientMessage: Hashable, Sendable {
    case authenticate(id: MessageID?, token: String)
    case subscribe(id: MessageID?, SubscribeRequest)
    case unsubscribe(id: MessageID?, channel: String)
    case ping

    /// Why a text is not a message, with the id to answer, where there is one.
    struct Malformed: Error, Hashable {
        var id: MessageID?
        var error: RequestError
    }

    static let conditionBytesMax = 4 * 1024

    init(json: [UInt8]) throws(Malformed) {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(json))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let member = context.codingPath.last?.stringValue
            let code: RequestError.Code = member == "replay" ? .invalidReplay : .badRequest
            let reason = member.map { "\($0) has the wrong type" } ?? "a message is a JSON object"
            throw Malformed(id: Self.id(in: json), error: RequestError(code, reason))
        } catch {
            throw Malformed(id: nil, error: RequestError(.badRequest, "the message is not JSON"))
        }
        do {
            self = try wire.message()
        } catch {
            throw Malformed(id: wire.id?.value, error: error)
        }
    }

    private static func id(in json: [UInt8]) -> MessageID? {
        struct OnlyID: Decodable { var id: WireID? }
        return (try? JSONDecoder().decode(OnlyID.self, from: Data(json)))?.id?.value
    }

    private struct WireID: Decodable, Hashable {
        var value: MessageID

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let integer = try? container.decode(Int64.self) {
                value = .integer(integer)
            } else if let double = try? container.decode(Double.self) {
                value = .double(double)
            } else {
                value = .string(try container.decode(String.self))
            }
        }
    }

    private enum WireReplay: Decodable {
        case number(Int64)
        case string(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int64.self) {
                self = .number(number)
            } else {
                self = .string(try container.decode(String.self))
            }
        }
    }

    private struct Wire: Decodable {
        var type: String?
        var id: WireID?
        var token: String?
        var channel: String?
        var `where`: String?
        var replay: WireReplay?
        var form: String?
        var slow: String?

        func message() throws(RequestError) -> ClientMessage {
            switch type {
            case "authenticate":
                guard let token else { throw RequestError(.badRequest, "authenticate needs a token") }
                return .authenticate(id: id?.value, token: token)
            case "subscribe":
                guard let channel else { throw RequestError(.badRequest, "subscribe needs a channel") }
                let replay: String? =
                    switch self.replay {
                    case nil: nil
                    case .number(let number): String(number)
                    case .string(let string): string
                    }
                return .subscribe(
                    id: id?.value,
                    try SubscribeRequest(channel: channel, condition: `where`, replay: replay, form: form, slow: slow))
            case "unsubscribe":
                guard let channel else { throw RequestError(.badRequest, "unsubscribe needs a channel") }
                return .unsubscribe(id: id?.value, channel: channel)
            case "ping":
                return .ping
            case nil:
                throw RequestError(.badRequest, "a message has a type")
            case .some:
                throw RequestError(.badRequest, "type is authenticate, subscribe, unsubscribe or ping")
            }
        }
    }
}

extension SubscribeRequest {
    /// From the texts that JSON members and query parameters have in common.
    init(channel: String, condition: String?, replay: String?, form: String?, slow: String?) throws(RequestError) {
        if let condition, condition.utf8.count > ClientMessage.conditionBytesMax {
            throw RequestError(.invalidWhere, "where is longer than \(ClientMessage.conditionBytesMax) bytes")
        }
        guard let form = form.map(EventForm.init(rawValue:)) ?? .changes else {
            throw RequestError(.badRequest, "form is changes or record")
        }
        guard let slow = slow.map(SlowPolicy.init(rawValue:)) ?? .park else {
            throw RequestError(.badRequest, "slow is park or conflate")
        }
        self.init(channel: channel, condition: condition, replay: try ReplayRequest(replay), form: form, slow: slow)
    }
}

extension ReplayRequest {
    init(_ text: String?) throws(RequestError) {
        switch text {
        case nil, "-1": self = .new
        case "-2": self = .allRetained
        case .some(let text):
            guard let replayID = ReplayID(text) else {
                throw RequestError(.invalidReplay, "replay is -1, -2 or a replayId as it was received")
            }
            self = .after(replayID)
        }
    }
}
