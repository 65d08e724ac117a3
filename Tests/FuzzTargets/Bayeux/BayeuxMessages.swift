import ChangeEvents
import NIOCore

@testable import Doors

/// The body of a CometD request: what is read of a message comes back in its reply, replies are JSON, places to replay from
/// are what was written.
enum BayeuxMessages {
    static func run(_ input: inout FuzzInput) {
        let bytes = input.remaining()
        guard let document = attempt({ try JSONParser.parse(bytes) }),
            let messages = BayeuxMessage.messages(in: document)
        else { return }
        if case .array(let values) = document {
            property("an array has a message for each element", holds: messages.count == values.count)
        }
        for message in messages { check(message) }
        // Replies stand in an array: those to one bare message would nest deeper than it, perhaps deeper than is read.
        guard case .array = document else { return }
        let body = BayeuxReply.body(
            events: [],
            replies: messages.map { BayeuxReply.failure($0, .unknownClient, subscription: $0.subscriptions.first) })
        let answer = must("replies are JSON") { try JSONParser.parse(body.readableBytesView) }
        guard case .array(let replies) = answer else { fatalError("violated: replies are an array") }
        property("each message has a reply", holds: replies.count == messages.count)
    }

    private static func check(_ message: BayeuxMessage) {
        let reply = BayeuxReply.success(message) { reply in
            reply.addReplayExtension()
            reply.advise(.session(holdMilliseconds: message.adviceTimeout ?? 1))
        }
        let text = reply.jsonText
        let document = must("a reply is JSON") { try JSONParser.parse(text.utf8) }
        property("a reply is read as it was written", holds: document == reply)
        guard let read = BayeuxMessage(document) else { fatalError("violated: a reply is an object") }
        property("a reply repeats the id", holds: read.id == message.id)
        property("a reply repeats the client's id", holds: read.clientID == message.clientID)
        property("a reply repeats the channel", holds: read.channel == message.channel ?? "")
        for channel in message.subscriptions + message.replayPlaces.keys { checkStart(message, channel) }
        if let channel = message.channel { _ = attempt { try BayeuxDoor.version(in: channel) } }
    }

    private static func checkStart(_ message: BayeuxMessage, _ channel: String) {
        guard let start = attempt({ try message.start(of: channel) }) else { return }
        let written: String? =
            switch message.replayPlaces[channel] {
            case .number(let text)?, .string(let text)?: text
            case .null?, .boolean?, .array?, .object?, nil: nil
            }
        switch start {
        case .latest: property("the newest is -1", holds: written.flatMap { Int64($0) } ?? -1 == -1)
        case .earliest: property("the earliest is -2", holds: written.flatMap { Int64($0) } == -2)
        case .after(let id):
            property("a place is the one that was written", holds: written.flatMap { UInt64($0) } == id.counter)
        }
    }
}
