internal import ChangeEvents
internal import Foundation
internal import HTTPTypes
public import Hummingbird
internal import NIOCore
internal import Store
public import Twin

/// `GET /admin/sync/history/{object}/{id}` tells what a record was, the newest version first: of objects with a history
/// (`objects: {Case: {history: 365d}}`). With `limit=…` more or less of them. Needs the administrator's secret.
public struct HistoryDoor: HTTPRoutes {
    /// Versions in an answer, unless another number is asked for.
    public static let limit = 50
    static let limitMax = 10_000

    private let secret: AdminSecret
    private let twin: Twin

    public init(secret: AdminSecret, twin: Twin) {
        self.secret = secret
        self.twin = twin
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.get("/admin/sync/history/:object/:id") { request, context in
            guard secret.isIn(request) else { return secret.refusal() }
            var limit = Self.limit
            if let text = request.uri.queryParameters["limit"] {
                guard let number = Int(text), (1...Self.limitMax).contains(number) else {
                    return ErrorBody.response(
                        status: .badRequest,
                        .init(errorCode: "INVALID_LIMIT", message: "limit is a number from 1 to \(Self.limitMax)"))
                }
                limit = number
            }
            guard let id = context.parameters.get("id").flatMap({ RecordID(String($0)) }) else {
                return ErrorBody.response(
                    status: .badRequest,
                    .init(errorCode: "MALFORMED_ID", message: "a record id has 15 or 18 letters and digits"))
            }
            do {
                let versions = try await twin.history(of: context.parameters.require("object"), id: id, limit: limit)
                return Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: Self.json(versions)))
            } catch let error as ReplicaError {
                return ErrorBody.response(
                    status: .badRequest, .init(errorCode: "NO_HISTORY", message: error.message))
            }
        }
    }

    /// `changes` and `record` are JSON already.
    private static func json(_ versions: [FormerVersion]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{\"versions\":[")
        for (index, version) in versions.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeStaticString("{\"id\":")
            buffer.writeJSON(string: version.id.string)
            for (name, value) in [
                ("validFrom", FieldValue.dateTime(milliseconds: version.validFrom)),
                ("validTo", .dateTime(milliseconds: version.validTo)), ("isDeleted", .boolean(version.isDeleted)),
                ("isComplete", .boolean(version.isComplete)), ("change", .string(version.change)),
                ("commitUser", version.commitUser.map { .string($0) } ?? .null),
                ("position", version.position.map { .integer($0.rawValue) } ?? .null),
            ] {
                buffer.writeString(",\"\(name)\":")
                buffer.writeJSON(value: value)
            }
            buffer.writeString(",\"changes\":\(version.changes),\"record\":\(version.record)}")
        }
        buffer.writeStaticString("]}")
        return buffer
    }
}
