import Foundation
import Store

/// The org's channels and what is selected on them, with the other records of the Tooling API that concern events: one
/// named value of the store.
///
/// A pure value. The rules for changing it are in `EventChannels+Changes.swift`; who may change it is the store's one
/// writer, and everybody reads the copy in `ChannelBook`.
struct EventChannels: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.channels"
    /// The channel of Setup's "Change Data Capture": always there, never a record.
    static let standardChannel = "ChangeEvents"

    enum Product: String, Codable, Sendable {
        /// Change events.
        case data
        /// Platform events.
        case event
    }

    struct Channel: Codable, Sendable, Hashable {
        var id: String
        /// `SalesEvents__chn`
        var fullName: String
        var product: Product
        var eventType: String?
        var label: String

        /// Without `__chn`.
        var developerName: String { String(fullName.dropLast("__chn".count)) }
        /// `/data/SalesEvents__chn`
        var topic: String { "/\(product.rawValue)/\(fullName)" }
    }

    struct EnrichedField: Codable, Sendable, Hashable {
        var id: String
        /// As the event schema has it: `Industry`, `BillingAddress`.
        var name: String
    }

    struct Member: Codable, Sendable, Hashable {
        var id: String
        var fullName: String
        /// Full name of the channel.
        var channel: String
        /// `AccountChangeEvent`, `Order_Event__e`
        var event: String
        var enrichedFields: [EnrichedField] = []
        var filterExpression: String?
    }

    struct ManagedSubscription: Codable, Sendable, Hashable {
        enum Run: String, Codable, Sendable {
            case run = "RUN"
            case stop = "STOP"
        }
        enum Replay: String, Codable, Sendable {
            case latest = "LATEST"
            case earliest = "EARLIEST"
        }
        var id: String
        var developerName: String
        var label: String
        /// `/data/ChangeEvents`
        var topic: String
        var state: Run
        var defaultReplay: Replay
        var errorRecoveryReplay: Replay
    }

    struct SubscriberConfig: Codable, Sendable, Hashable {
        var id: String
        var developerName: String
        var label: String
        var consumer: String
        var batchSize: Int?
        var user: String?
        var partitions: Int?
        var partitionKey: String?
    }

    /// Counts the changes, so that of two copies the newer one is known.
    var version = 0
    var channels: [Channel] = []
    var members: [Member] = []
    var managedSubscriptions: [ManagedSubscription] = []
    var subscriberConfigs: [SubscriberConfig] = []

    /// Nil for an org that has none yet.
    static func read(_ reader: any StoreReader) throws -> EventChannels? {
        guard let bytes = try reader.state(stateKey) else { return nil }
        do {
            return try JSONDecoder().decode(EventChannels.self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "the org's channels cannot be read", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }

    func channel(named name: String) -> Channel? {
        channels.first { $0.fullName.lowercased() == name.lowercased() }
    }

    func channel(topic: String) -> Channel? { channels.first { $0.topic == topic } }

    func members(of channel: String) -> [Member] { members.filter { $0.channel == channel } }

    func managedSubscription(id: String?, name: String?) -> ManagedSubscription? {
        managedSubscriptions.first { $0.id == id || (name != nil && $0.developerName == name) }
    }

    /// Events that are selected on any channel: what is published at all.
    var selectedEvents: Set<String> { Set(members.map(\.event)) }
}
