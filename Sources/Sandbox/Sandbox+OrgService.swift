import Synchronization
import Twin
import Logging
import ChangeEvents
import Crypto
public import Doors
import Foundation
import Store

extension Sandbox: OrgService {
    public func session(accessToken: String) async throws(OrgError) -> OrgSession {
        guard let session = await usedSession(accessToken) else {
            throw OrgError(status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid")
        }
        return session
    }

    public func countCall(_ session: OrgSession) async throws(OrgError) -> String {
        let now = configuration.clock()
        let used = state.withLock { $0.usage.count(now: now) }
        guard used <= configuration.apiCallsMax else {
            throw OrgError(status: 403, errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded.")
        }
        return "api-usage=\(used)/\(configuration.apiCallsMax)"
    }

    public func create(
        object: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) -> String {
        let definition = try definition(object)
        let values = try RecordInput(object: definition).values(fields)
        return try await change(context) { try $0.create(definition.name, values).string }
    }

    public func update(
        object: String, id: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) {
        let definition = try definition(object)
        let recordID = try recordID(id, definition)
        let values = try RecordInput(object: definition).values(fields)
        try await change(context) { try $0.update(definition.name, recordID, values) }
    }

    public func delete(object: String, id: String, context: CallContext) async throws(OrgError) {
        let definition = try definition(object)
        let recordID = try recordID(id, definition)
        try await change(context) { try $0.delete(definition.name, recordID) }
    }

    public func retrieve(
        object: String, id: String, fields: [String]?, context: CallContext
    ) async throws(OrgError) -> JSONValue {
        let definition = try definition(object)
        guard let recordID = RecordID(id), recordID.keyPrefix == definition.keyPrefix else {
            throw .externalIDUnknown(id)
        }
        let found = try await reading { reader -> (StoredRecord, [String: FieldValue])? in
            guard let record = try reader.record(entity: definition.name, id: recordID) else { return nil }
            return (record, try DerivedFields.values(of: record.image, definition, reader))
        }
        guard let (record, derived) = found else { throw .recordNotFound() }
        guard !record.isDeleted else { throw .recordDeleted() }
        return try RecordAnswer(
            object: definition, image: record.image, apiVersion: context.apiVersion, derived: derived
        ).json(fields: fields)
    }

    public func describeGlobal(context: CallContext) async throws(OrgError) -> JSONValue {
        Describe(catalogue: catalogue, apiVersion: context.apiVersion).global()
    }

    public func describe(object: String, context: CallContext) async throws(OrgError) -> JSONValue {
        Describe(catalogue: catalogue, apiVersion: context.apiVersion).object(try definition(object))
    }

    private func definition(_ name: String) throws(OrgError) -> ObjectDefinition {
        guard let object = catalogue.object(name) else { throw .objectNotFound() }
        return object
    }

    /// Writes name the record they mean: an id of another kind is refused as such.
    private func recordID(_ text: String, _ object: ObjectDefinition) throws(OrgError) -> RecordID {
        guard let id = RecordID(text), id.keyPrefix == object.keyPrefix else {
            throw .malformedID(text, label: "\(object.label) ID", field: "Id")
        }
        return id
    }

    private func change<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (OrgTransaction) throws -> T
    ) async throws(OrgError) -> T {
        do {
            return try await transaction(origin: .rest(context), userID: context.session.userID, body)
        } catch let error as OrgError {
            throw error
        } catch {
            throw failure(error)
        }
    }

    private func reading<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws(OrgError) -> T {
        do {
            return try await twin.store.read(body)
        } catch {
            throw failure(error)
        }
    }

    /// The caller learns that nothing was changed; what went wrong is for the log.
    private func failure(_ error: any Error) -> OrgError {
        logger.error("a call failed inside the org", metadata: ["error": "\(error)"])
        return .internalFailure()
    }
}
