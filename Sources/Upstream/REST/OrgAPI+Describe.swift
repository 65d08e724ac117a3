import Foundation
import NIOCore
import NIOHTTP1

extension OrgAPI {
    /// `GET /sobjects/{object}/describe`.
    public func describe(_ object: String) async throws -> ObjectDescription {
        let answer = try await caller.answer(describeCall(object), for: purpose)
        return try Self.description(answer)
    }

    /// The same; nil where nothing has changed since `known` was answered. The org compares by whole seconds: a change in
    /// the second of the last answer is found out at the next one only if it moves the object's date.
    public func describe(_ object: String, since known: ObjectDescription) async throws -> ObjectDescription? {
        var call = describeCall(object)
        if let lastModified = known.lastModified { call.headers.append(("if-modified-since", lastModified)) }
        call.accepted = [304]
        let answer = try await caller.answer(call, for: purpose)
        return answer.status == 304 ? nil : try Self.description(answer)
    }

    /// `GET /sobjects`: every object that the user may see, without its fields.
    public func describeGlobal() async throws -> [ObjectDescription] {
        struct List: Decodable {
            var sobjects: [ObjectDescription]
        }
        let call = OrgCall(target: "\(Self.root)/sobjects", deadline: caller.timing.callDeadline)
        let answer = try await caller.answer(call, for: purpose)
        return try Self.decode(List.self, answer, "list of objects").sobjects
    }

    private func describeCall(_ object: String) -> OrgCall {
        OrgCall(
            target: "\(Self.root)/sobjects/\(URLText.escaped(object))/describe", deadline: caller.timing.callDeadline)
    }

    private static func description(_ answer: OrgAnswer) throws(OrgAPIError) -> ObjectDescription {
        var description = try decode(ObjectDescription.self, answer, "description of an object")
        description.lastModified = answer.headers.first(name: "last-modified") ?? answer.headers.first(name: "date")
        return description
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, _ answer: OrgAnswer, _ what: String
    ) throws(OrgAPIError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body.readableBytesView))
        } catch {
            throw OrgAPIError(
                .answerUnreadable, "The org's answer is not the \(what) that was expected.", status: answer.status,
                cause: error)
        }
    }
}
