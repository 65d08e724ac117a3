internal import Foundation
internal import HTTPTypes
public import Hummingbird
internal import NIOCore
public import Store
public import Twin

/// `GET /admin/gaps` tells what was missed, why, and when it was mended: the open entries of the table of gaps and the last closed
/// ones. With `open=true` the open ones alone, with `limit=…` more or less of each. Needs the administrator's secret.
public struct GapDoor: HTTPRoutes {
    /// Entries of each kind in an answer, unless another number is asked for.
    public static let limit = 20
    static let limitMax = 10_000

    private let secret: AdminSecret
    private let twin: Twin

    public init(secret: AdminSecret, twin: Twin) {
        self.secret = secret
        self.twin = twin
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.get("/admin/gaps") { request, _ in
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
            let report = try await GapReport(
                twin, limit: limit, withClosed: request.uri.queryParameters["open"] != "true")
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(report))))
        }
    }
}

/// The answer of `GET /admin/gaps`.
public struct GapReport: Codable, Sendable {
    /// How many are open.
    public var openCount: Int
    /// Newest first, up to a limit.
    public var open: [GapEntry]
    /// Mended, or nobody's to mend. Newest first, up to a limit.
    public var closed: [GapEntry]

    public init(_ twin: Twin, limit: Int, withClosed: Bool) async throws {
        openCount = twin.openGaps
        open = try await twin.gapEntries(.open, limit: limit)
        closed = withClosed ? try await twin.gapEntries(.closed, limit: limit) : []
    }
}
