import ChangeEvents
package import Doors
import NIOCore
import Store
import Synchronization
import Twin

/// What the sandbox's page shows, and scripts may read as well.
extension SandboxControl {
    /// The org at a glance.
    package func overviewDocument() async throws -> JSONValue {
        let place = try await reading { reader in
            (head: try reader.head(), oldest: try reader.oldest())
        }
        return Self.object([
            "organization": .string(sandbox.organization.id),
            "instance": .string(sandbox.connection.instanceURL),
            "users": .array(sandbox.usernames.map(JSONValue.string)),
            "objects": .array(
                sandbox.catalogue.objects.map { object in
                    Self.object([
                        "name": .string(object.name), "label": .string(object.label),
                        "prefix": .string(object.keyPrefix),
                        "topic": object.isCapturable ? .string(object.changeEventTopic) : .null,
                    ])
                }),
            "log": Self.object([
                "head": Self.number(place.head.rawValue),
                "oldest": place.oldest.map { Self.number($0.rawValue) } ?? .null,
            ]),
            "waiting_streams": Self.number(sandbox.observer.waiters.count),
            "faults": Self.number(sandbox.faults.standing.filter { !$0.isSpent }.count),
            "clock": clockDocument(),
        ])
    }

    /// Who takes events now: streams of the Pub/Sub API, and CometD clients with their channels. Oldest first.
    package func subscribersDocument() -> JSONValue {
        let listeners = sandbox.state.withLock { $0.streaming.listeners }
        return Self.object([
            "subscribers": .array(
                listeners.map { listener in
                    Self.object([
                        "kind": .string(listener.kind), "topic": .string(listener.topic),
                        "username": .string(sandbox.user(id: listener.userID)?.username ?? listener.userID),
                        "client": .string(listener.client),
                        "since": .string(OrgTime.dateTimeText(listener.subscription.since)),
                        "delivered": Self.number(listener.subscription.delivered),
                    ])
                })
        ])
    }

    /// Events after a position (without one: after the newest), as JSON, oldest first. Waits up to `seconds` where there are none
    /// yet; `next` is where to go on.
    /// `waiting` runs the wait, and may end it early by cancelling it.
    package func eventsDocument(
        after: String?, limit: String?, seconds: String?,
        waiting: (@escaping @Sendable () async -> Void) async throws -> Void = { await $0() }
    ) async throws -> JSONValue {
        let limit = try Self.integer("limit", limit, in: 1...Self.eventsPerPageMax, default: 100)
        let seconds = try Self.integer("seconds", seconds, in: 0...Self.waitSecondsMax, default: 0)
        var position = Position(rawValue: Int64(try Self.integer("after", after, in: 0...(1 << 52), default: 0)))
        if after == nil { position = try await reading { try $0.head() } }
        let (waiters, place) = (sandbox.observer.waiters, position)
        let look = waiters.ticket()
        var found = try await events(after: position, limit: limit)
        if found.isEmpty, seconds > 0 {
            try await waiting { await waiters.wait(after: place, since: look, timeout: .seconds(seconds)) }
            found = try await events(after: position, limit: limit)
        }
        var documents: [JSONValue] = []
        for event in found { documents.append(try await document(event)) }
        return Self.object([
            "events": .array(documents), "next": Self.number(found.last?.position.rawValue ?? position.rawValue),
        ])
    }

    /// A session without a login, for scripts on this machine: `{"username": "…"}`, or `{}` for the integration user.
    package func openSession(_ document: JSONValue) async throws -> JSONValue {
        var reader = try ControlDocument(document)
        let username = try reader.text("username")
        try reader.finish()
        let usernames = sandbox.usernames
        guard let name = username ?? usernames.first, usernames.contains(name) else {
            throw ControlError(field: "username", reason: "The org has no user \((username ?? "").prefix(80)).")
        }
        let session = try await sandbox.openSession(username: name)
        return Self.object([
            "access_token": .string(session.accessToken), "instance_url": .string(sandbox.connection.instanceURL),
            "username": .string(session.username), "organization": .string(session.organizationID),
        ])
    }

    private static let eventsPerPageMax = 1_000
    private static let waitSecondsMax = 30
    /// Payload bytes of one page.
    private static let pageBytesMax = 4 << 20

    private func events(after position: Position, limit: Int) async throws -> [LoggedEvent] {
        try await reading {
            try $0.events(after: position, selection: .all, limit: limit, bytesMax: Self.pageBytesMax)
        }
    }

    private func document(_ logged: LoggedEvent) async throws -> JSONValue {
        let event = logged.content.event
        var members: [JSONValue.Member] = [
            .init(name: "position", value: Self.number(logged.position.rawValue)),
            .init(name: "topic", value: .string(event.topic)),
            .init(name: "replay_id", value: .string(Self.hexadecimal(event.replayID.bytes))),
            .init(name: "at", value: Self.instant(logged.content.receivedAt)),
            .init(name: "bytes", value: Self.number(event.payload.readableBytes)),
        ]
        if let header = logged.content.routing?.header {
            members += [
                .init(name: "entity", value: .string(header.entityName)),
                .init(name: "change", value: .string(header.changeType.rawValue)),
                .init(name: "records", value: .array(header.recordIDs.map(JSONValue.string))),
                .init(name: "origin", value: .string(header.changeOrigin)),
                .init(name: "user", value: .string(header.commitUser)),
                .init(name: "transaction", value: .string(header.transactionKey)),
                .init(name: "sequence", value: Self.number(header.sequenceNumber)),
                .init(
                    name: "changed", value: .array((logged.content.routing?.changedFields ?? []).map(JSONValue.string))),
            ]
        }
        if let fields = try await fields(of: event) { members.append(.init(name: "fields", value: fields)) }
        return .object(members)
    }

    /// What a change event says about its records; nil for other events.
    private func fields(of event: ReceivedEvent) async throws -> JSONValue? {
        guard let schema = try await sandbox.twin.schema(event.schemaID), schema.isChangeEvent else { return nil }
        let change: ChangeEvent
        do throws(AvroError) {
            change = try schema.changeEvent(of: event.payload)
        } catch {
            // An injected event that does not fit its schema: it is on the bus all the same.
            return nil
        }
        let values = change.values.filter { $0.value != .null }.sorted { $0.key < $1.key }
        return .object(values.map { .init(name: $0.key, value: RecordAnswer.json($0.value)) })
    }
}
