import ChangeEvents
import Doors
import Foundation
import Logging
import Store
import Synchronization
import TestSupport

@testable import Sandbox

/// A clock that only the test moves.
final class HandClock: Sendable {
    private let milliseconds: Mutex<Int64>

    /// 2026-02-17T04:03:15.250Z
    init(_ milliseconds: Int64 = 1_771_300_995_250) { self.milliseconds = Mutex(milliseconds) }

    var now: Int64 { milliseconds.withLock { $0 } }
    func advance(_ duration: Duration) { milliseconds.withLock { $0 += Int64(duration / .milliseconds(1)) } }
}

/// One RSA key for all orgs of the tests: making one takes seconds in a debug build.
enum SharedKey {
    private static let pem: Result<Data, any Error> = Result {
        let first = try TemporaryDirectory()
        _ = try AppKey.openOrCreate(in: first.url(""))
        return try Data(contentsOf: first.url("private-key.pem"))
    }

    /// A new directory with the key in it.
    static func directory() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try pem.get().write(to: directory.url("private-key.pem"))
        return directory
    }
}

/// An org in a directory of its own.
struct TestOrg: Sendable {
    static let instanceURL = "https://electric-motors.my.salesforce.test"

    let directory: TemporaryDirectory
    let clock: HandClock
    let sandbox: Sandbox
    let context: CallContext

    static func open(
        in directory: TemporaryDirectory? = nil, clock: HandClock = HandClock(), client: String? = nil,
        _ configure: (inout Sandbox.Configuration) -> Void = { _ in }
    ) async throws -> TestOrg {
        let directory = try directory ?? SharedKey.directory()
        var configuration = Sandbox.Configuration()
        configuration.loadsSampleData = false
        configuration.isDurable = false
        configuration.clock = { clock.now }
        configure(&configuration)
        let sandbox = try await Sandbox(
            directory: directory.path, configuration: configuration, logger: Logger(label: "sandbox.tests"))
        let session = try await sandbox.openSession(username: sandbox.usernames[0])
        return TestOrg(
            directory: directory, clock: clock, sandbox: sandbox,
            context: CallContext(session: session, apiVersion: "66.0", clientName: client))
    }

    /// The same directory, opened again.
    func reopened(_ configure: (inout Sandbox.Configuration) -> Void = { _ in }) async throws -> TestOrg {
        try await sandbox.close()
        return try await TestOrg.open(in: directory, clock: clock, configure)
    }

    func create(_ object: String, _ fields: [(String, JSONValue)]) async throws(OrgError) -> RecordID {
        let id = try await sandbox.create(object: object, fields: members(fields), context: context)
        guard let id = RecordID(id) else {
            throw OrgError(status: 0, errorCode: "TEST", message: "\(id) is no record id")
        }
        return id
    }

    func update(_ object: String, _ id: RecordID, _ fields: [(String, JSONValue)]) async throws(OrgError) {
        try await sandbox.update(object: object, id: id.string, fields: members(fields), context: context)
    }

    func delete(_ object: String, _ id: RecordID) async throws(OrgError) {
        try await sandbox.delete(object: object, id: id.string, context: context)
    }

    func retrieve(
        _ object: String, _ id: RecordID, fields: [String]? = nil
    ) async throws(OrgError) -> [String: JSONValue] {
        try await sandbox.retrieve(object: object, id: id.string, fields: fields, context: context).dictionary
    }

    /// The error that a call ends with; nil when it succeeds.
    func failure(_ call: () async throws(OrgError) -> Void) async -> OrgError? {
        do {
            try await call()
            return nil
        } catch {
            return error
        }
    }

    var caller: BusCaller {
        BusCaller(userID: context.session.userID, organizationID: context.session.organizationID)
    }

    /// Every event of a topic, decoded with the schema that the bus answers for it.
    func events(_ topic: String = "/data/ChangeEvents") async throws -> [ChangeEvent] {
        var decoded: [ChangeEvent] = []
        for event in try await received(topic) {
            let text = try await sandbox.schemaJSON(event.schemaID.string, caller: caller)
            let schema = try EventSchema(json: text)
            decoded.append(try schema.changeEvent(of: event.payload))
        }
        return decoded
    }

    func received(_ topic: String = "/data/ChangeEvents") async throws -> [ReceivedEvent] {
        var position = try await sandbox.start(topic: topic, from: .earliest, caller: caller)
        var events: [ReceivedEvent] = []
        while true {
            let read = try await sandbox.read(topic: topic, after: position, limit: 100, caller: caller)
            events += read.events.map(\.event)
            if read.events.isEmpty { return events }
            position = read.reached
        }
    }

    private func members(_ fields: [(String, JSONValue)]) -> [JSONValue.Member] {
        fields.map { JSONValue.Member(name: $0.0, value: $0.1) }
    }
}

extension JSONValue {
    var dictionary: [String: JSONValue] {
        guard case .object(let members) = self else { return [:] }
        return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }
}
