import Foundation
import NIOSSL

/// What a run does: so many connections, each with its token and its subscriptions. Pure; connections are numbered from 1.
struct BenchPlan: Sendable {
    var address: PushAddress
    /// Of the host, in numbers.
    var numericHost: String
    /// Addresses of this machine to connect from, in turns; empty: the system chooses.
    var sources: [String] = []
    var connectionCount: Int
    var connectionsPerSecond: Double
    /// From the beginning of a connection to the answers to its subscriptions.
    var answerTimeout: Duration
    var channels: [String]
    /// In turns over the connections; empty: none has a condition.
    var conditions: [String]
    /// `record`, or nil for what the server takes by itself.
    var form: String?
    /// In turns over the connections.
    var tokens: [String]
    /// What each token allows, in any words: equal where it is the same.
    var grants: [String]
    /// Nil: without TLS.
    var tls: NIOSSLContext?

    /// What stands in a condition or an allow list for the connection's number.
    static let numberMark = "{n}"
    /// On loopback every address of 127.0.0.0/8 is this machine; each has some 28,000 ports towards one target.
    static let connectionsPerLoopbackAddress = 20_000

    func token(_ number: Int) -> String { tokens[(number - 1) % tokens.count] }

    func condition(_ number: Int) -> String? {
        guard !conditions.isEmpty else { return nil }
        return conditions[(number - 1) % conditions.count].replacingOccurrences(of: Self.numberMark, with: "\(number)")
    }

    /// One for each channel, in their order.
    func terms(_ number: Int) -> [Ledger.Terms] {
        let condition = condition(number)
        let grant = grants[(number - 1) % grants.count]
        return channels.map { Ledger.Terms(channel: $0, condition: condition, grant: grant) }
    }

    /// The messages that ask for the channels; the `id` of each is the channel's index.
    func subscribeMessages(_ number: Int) -> [String] {
        struct Message: Encodable {
            var type = "subscribe"
            var id: Int
            var channel: String
            var `where`: String?
            var form: String?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let condition = condition(number)
        return channels.enumerated().map { index, channel in
            let message = Message(id: index, channel: channel, where: condition, form: form)
            guard let text = try? encoder.encode(message) else {
                preconditionFailure("texts and numbers always encode")
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    func source(_ number: Int) -> String? {
        sources.isEmpty ? nil : sources[(number - 1) % sources.count]
    }

    /// Where to connect from so that the ports suffice, where nothing was said.
    static func loopbackSources(host: String, connectionCount: Int) -> [String] {
        let count = (connectionCount - 1) / connectionsPerLoopbackAddress + 1
        guard host.hasPrefix("127."), count > 1 else { return [] }
        return (1...min(count, 254)).map { "127.0.0.\($0)" }
    }

    /// What a token allows, for telling equal terms apart: its claim `allow`, unchecked. A token that cannot be read here is
    /// like no other; the server judges it.
    static func grant(of token: String) -> String {
        struct Claims: Decodable {
            struct Entry: Decodable, Encodable, Hashable {
                var channel: String
                var `where`: String?
                var fields: [String]?
            }
            var allow: [Entry]
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return token }
        var payload = parts[1].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        payload += String(repeating: "=", count: (4 - payload.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: payload), let claims = try? JSONDecoder().decode(Claims.self, from: data)
        else { return token }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let entries = claims.allow.sorted { $0.channel < $1.channel }
        return (try? encoder.encode(entries)).map { String(decoding: $0, as: UTF8.self) } ?? token
    }
}
